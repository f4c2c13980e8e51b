import { readFile } from 'node:fs/promises';

/** A process for good: its number alone is given to another one later. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot at which it started: field 22 of `/proc/<pid>/stat`, proc_pid_stat(5). */
  readonly startTicks: string;
}

/** Rejects with the system's error where there is no such process. */
export async function processIdentity(pid: number | 'self'): Promise<ProcessIdentity> {
  return parseStat(await readFile(`/proc/${pid}/stat`, 'latin1'));
}

/** A zombie does not run any more; a thread of it that is stuck in the kernel may: `threadRuns`. */
export async function stillRuns({ pid, startTicks }: ProcessIdentity): Promise<boolean> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
    return parseStat(stat).startTicks === startTicks && stateOf(stat) !== 'Z';
  } catch {
    return false;
  }
}

/** Also of a process that was killed and is a zombie by now, but for a thread stuck in the kernel. */
export async function threadRuns(process: ProcessIdentity, thread: number): Promise<boolean> {
  try {
    const { startTicks } = await processIdentity(process.pid);
    const stat = await readFile(`/proc/${process.pid}/task/${thread}/stat`, 'latin1');
    return startTicks === process.startTicks && !['Z', 'X'].includes(stateOf(stat) ?? 'X');
  } catch {
    return false;
  }
}

/** The second field is the program's name in parentheses, which may itself hold any character. */
function fieldsAfterName(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function parseStat(stat: string): ProcessIdentity {
  return { pid: Number.parseInt(stat, 10), startTicks: fieldsAfterName(stat)[19] ?? '' };
}

function stateOf(stat: string): string | undefined {
  return fieldsAfterName(stat)[0];
}

/** Of the time since the machine was last started, random(4); undefined where the system does not tell. */
export async function readBootId(): Promise<string | undefined> {
  const text = await readFile('/proc/sys/kernel/random/boot_id', 'latin1').catch(() => '');
  return text.trim() || undefined;
}

/** Whether what was noted in one boot is void in this one. Where either is not known it is not: pure. */
export function isOfEarlierBoot(noted: string | undefined, current: string | undefined): boolean {
  return (noted ?? '') !== '' && (current ?? '') !== '' && noted !== current;
}
