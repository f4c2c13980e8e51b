import { readdirSync, readFileSync } from 'node:fs';

/** What one thread has had so far. */
export interface ThreadTime {
  /** `<pid>/<tid>` */
  readonly thread: string;
  readonly name: string;
  readonly runMs: number;
  /** Ready to run, and waiting for a processor. */
  readonly waitMs: number;
}

/**
 * Exact, unlike the clock ticks of /proc/<pid>/stat; some 20 µs for each thread. Reading costs the
 * thread that reads: for times between two readings the first has to end with it, the second to begin.
 *
 * @param order `main-last` or `main-first`: when the process's main thread is read
 */
export function threadTimes(pid: number, order: 'main-first' | 'main-last'): ThreadTime[] {
  const others = threadsOf(pid).filter((tid) => tid !== String(pid));
  const tids = order === 'main-first' ? [String(pid), ...others] : [...others, String(pid)];
  return tids.flatMap((tid) => {
    const [run, wait] = readProc(`/proc/${pid}/task/${tid}/schedstat`).split(' ').map(Number);
    const name = readProc(`/proc/${pid}/task/${tid}/comm`).trim();
    return run === undefined || wait === undefined || name === ''
      ? []
      : [{ thread: `${pid}/${tid}`, name, runMs: run / 1e6, waitMs: wait / 1e6 }];
  });
}

/** What each thread had between the two; one that began meanwhile counts from its beginning. */
export function timesBetween(
  before: readonly ThreadTime[],
  after: readonly ThreadTime[],
): ThreadTime[] {
  const former = new Map(before.map((it) => [it.thread, it]));
  return after.map((it) => ({
    ...it,
    runMs: it.runMs - (former.get(it.thread)?.runMs ?? 0),
    waitMs: it.waitMs - (former.get(it.thread)?.waitMs ?? 0),
  }));
}

/** What a process had by the role of its threads; the names are those that Node gives them. */
export function timesByRole(pid: number, times: readonly ThreadTime[]): RoleTime[] {
  const roles = Map.groupBy(times, (time) => roleOf(pid, time));
  return [...roles].map(([role, threads]) => ({
    role,
    runMs: threads.reduce((sum, { runMs }) => sum + runMs, 0),
    waitMs: threads.reduce((sum, { waitMs }) => sum + waitMs, 0),
  }));
}

export interface RoleTime {
  readonly role: string;
  readonly runMs: number;
  readonly waitMs: number;
}

function roleOf(pid: number, { thread, name }: ThreadTime): string {
  if (thread === `${pid}/${pid}`) {
    return 'main thread';
  }
  switch (name) {
    case 'MainThread':
      return 'native threads: freeze, thaw';
    case 'WorkerThread':
      return 'lanes';
    default:
      return 'V8’s helpers';
  }
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** Empty where the thread has ended meanwhile. */
function readProc(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
