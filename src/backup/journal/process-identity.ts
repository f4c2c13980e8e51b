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

/** A zombie does not run: its threads are gone, and with them whatever they could still do. */
export async function stillRuns({ pid, startTicks }: ProcessIdentity): Promise<boolean> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
    return parseStat(stat).startTicks === startTicks && stateOf(stat) !== 'Z';
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
