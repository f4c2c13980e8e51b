import { readFile } from 'node:fs/promises';

/** Identifies a process for good: the kernel may give its number alone to another process later. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Its start time in clock ticks since boot: field 22 of `/proc/<pid>/stat`, proc_pid_stat(5). */
  readonly startTicks: string;
}

/** Rejects with the system's error if there is no such process. */
export async function processIdentity(pid: number | 'self'): Promise<ProcessIdentity> {
  return parseStat(await readFile(`/proc/${pid}/stat`, 'latin1'));
}

/** False for a zombie, although one of its threads may be stuck in the kernel: see `threadRuns`. */
export async function stillRuns({ pid, startTicks }: ProcessIdentity): Promise<boolean> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
    return parseStat(stat).startTicks === startTicks && stateOf(stat) !== 'Z';
  } catch {
    return false;
  }
}

/** Sends SIGTERM to a process that has been found to run. */
export function terminate(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch {
    // It has just ended.
  }
}

/** Whether a thread still runs. It does in a killed process, a zombie, as long as it is stuck in the kernel. */
export async function threadRuns(process: ProcessIdentity, thread: number): Promise<boolean> {
  try {
    const { startTicks } = await processIdentity(process.pid);
    const stat = await readFile(`/proc/${process.pid}/task/${thread}/stat`, 'latin1');
    return startTicks === process.startTicks && !['Z', 'X'].includes(stateOf(stat) ?? 'X');
  } catch {
    return false;
  }
}

/** The second field is the program's name in parentheses; the name may contain any character. */
function fieldsAfterName(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function parseStat(stat: string): ProcessIdentity {
  return { pid: Number.parseInt(stat, 10), startTicks: fieldsAfterName(stat)[19] ?? '' };
}

function stateOf(stat: string): string | undefined {
  return fieldsAfterName(stat)[0];
}

/** The random id of the current boot, random(4); undefined if the system has none. */
export async function readBootId(): Promise<string | undefined> {
  const text = await readFile('/proc/sys/kernel/random/boot_id', 'latin1').catch(() => '');
  return text.trim() || undefined;
}

/** Whether a note was written in an earlier boot and is void now; false if either id is unknown. Pure. */
export function isOfEarlierBoot(noted: string | undefined, current: string | undefined): boolean {
  return (noted ?? '') !== '' && (current ?? '') !== '' && noted !== current;
}
