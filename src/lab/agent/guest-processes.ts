import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/**
 * What /proc shows of a process, to everybody on the machine or to root. Environment and titles are read at each access,
 * and empty when the process has ended: most callers look again and again, and only want to know what runs.
 */
export interface GuestProcess {
  /** As the lab numbers it. */
  readonly pid: number;
  readonly commandLine: readonly string[];
  readonly environment: readonly string[];
  /** The names that ps(1) and top(1) show: of the process and of each of its threads. */
  readonly titles: readonly string[];
}

/** All processes of the pid namespace that `init` is the first of, except itself and zombies. */
export function processesBeside(init: number): GuestProcess[] {
  const namespace = pidNamespace(init);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== init && namespace !== undefined && pidNamespace(pid) === namespace)
    .flatMap((pid) => describe(pid) ?? []);
}

/** Undefined if it has ended. */
function pidNamespace(pid: number): string | undefined {
  return attempt(() => readlinkSync(`/proc/${pid}/ns/pid`));
}

function describe(pid: number): GuestProcess | undefined {
  const commandLine = list(pid, 'cmdline');
  // A process that has only its parent to wait for shows none.
  return commandLine.length === 0
    ? undefined
    : {
        pid,
        commandLine,
        get environment() {
          return list(pid, 'environ');
        },
        get titles() {
          return titles(pid);
        },
      };
}

function list(pid: number, file: string): string[] {
  const text = attempt(() => readFileSync(`/proc/${pid}/${file}`, 'utf8')) ?? '';
  return text.split('\0').filter((it) => it !== '');
}

/** Threads come and go meanwhile. */
function titles(pid: number): string[] {
  const threads = attempt(() => readdirSync(`/proc/${pid}/task`)) ?? [];
  return threads.flatMap(
    (thread) =>
      attempt(() => readFileSync(`/proc/${pid}/task/${thread}/comm`, 'utf8').trim()) ?? [],
  );
}

/** Processes and threads may end between one look and the next. */
function attempt<Result>(look: () => Result): Result | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
