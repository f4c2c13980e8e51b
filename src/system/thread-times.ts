import { readdirSync, readFileSync } from 'node:fs';

/** What one thread has had since it began. */
export interface ThreadTime {
  /** `<pid>/<tid>` */
  readonly thread: string;
  readonly name: string;
  readonly runMs: number;
  /** Ready to run, and waiting for a processor. */
  readonly waitMs: number;
  /** Minor and major ones. */
  readonly pageFaults: number;
}

/**
 * Exact, unlike the clock ticks of /proc/<pid>/stat; some 30 µs for each thread. Reading costs the
 * thread that reads: for times between two readings the first has to end with it, the second to begin.
 *
 * @param order `main-last` or `main-first`: when the process's main thread is read
 */
export function threadTimes(pid: number, order: 'main-first' | 'main-last'): ThreadTime[] {
  const others = threadsOf(pid).filter((tid) => tid !== String(pid));
  const tids = order === 'main-first' ? [String(pid), ...others] : [...others, String(pid)];
  return tids.flatMap((tid) => {
    const [run, wait] = readProc(`/proc/${pid}/task/${tid}/schedstat`).split(' ').map(Number);
    const stat = nameAndFaults(readProc(`/proc/${pid}/task/${tid}/stat`));
    return run === undefined || wait === undefined || stat === undefined
      ? []
      : [{ thread: `${pid}/${tid}`, runMs: run / 1e6, waitMs: wait / 1e6, ...stat }];
  });
}

/** Reads /proc/<pid>/task/<tid>/stat, proc_pid_stat(5); the name is in parentheses and may contain some. Pure. */
export function nameAndFaults(stat: string): Pick<ThreadTime, 'name' | 'pageFaults'> | undefined {
  const end = stat.lastIndexOf(')');
  if (end < 0) {
    return undefined;
  }
  const fields = stat.slice(end + 2).split(' ');
  const [minor, major] = [Number(fields[7]), Number(fields[9])];
  return { name: stat.slice(stat.indexOf('(') + 1, end), pageFaults: minor + major };
}

/** What each thread had between the two; one that began meanwhile counts from its beginning. Pure. */
export function timesBetween(
  before: readonly ThreadTime[],
  after: readonly ThreadTime[],
): ThreadTime[] {
  const former = new Map(before.map((it) => [it.thread, it]));
  return after.map((it) => {
    const { runMs = 0, waitMs = 0, pageFaults = 0 } = former.get(it.thread) ?? {};
    return {
      ...it,
      runMs: it.runMs - runMs,
      waitMs: it.waitMs - waitMs,
      pageFaults: it.pageFaults - pageFaults,
    };
  });
}

/** The threads of this program by what they do: a thread of V8 or of libuv is one of the runtime. */
export type Role = 'main' | 'requests' | 'freezer' | 'runtime';

export interface RoleTime extends Omit<ThreadTime, 'thread' | 'name'> {
  readonly role: Role;
}

/** Sums by role. @param pid whose main thread has the role `main` */
export function timesByRole(pid: number, times: readonly ThreadTime[]): RoleTime[] {
  const roles = Map.groupBy(times, (time) => roleOf(pid, time));
  return [...roles].map(([role, threads]) => ({ role, ...sumOf(threads) }));
}

/** Pure. */
export function sumOf(times: readonly ThreadTime[]): Omit<ThreadTime, 'thread' | 'name'> {
  return {
    runMs: times.reduce((sum, { runMs }) => sum + runMs, 0),
    waitMs: times.reduce((sum, { waitMs }) => sum + waitMs, 0),
    pageFaults: times.reduce((sum, { pageFaults }) => sum + pageFaults, 0),
  };
}

/** Node.js names its threads; the freezer's are started by the main thread, and inherit its name. */
function roleOf(pid: number, { thread, name }: ThreadTime): Role {
  if (thread === `${pid}/${pid}`) {
    return 'main';
  }
  switch (name) {
    case 'MainThread':
      return 'freezer';
    case 'WorkerThread':
      return 'requests';
    default:
      return 'runtime';
  }
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** Empty if the thread has ended meanwhile. Node.js reads text of this encoding in a quarter of the time of others. */
function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
