import { readFile } from 'node:fs/promises';
import { errnoOf } from './errno.ts';

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

/**
 * What a process can still do. `running`: run code of its program. `dying`: never again, but it holds its files and locks
 * until all its threads have left the kernel. `ended`: nothing; the system may still list it.
 */
export type ProcessPhase = 'running' | 'dying' | 'ended';

/** SIGKILL in a mask of signals. */
const SIGKILL = 0x100;
/** Flags of the kernel: PF_EXITING, PF_SIGNALED. The second is set before a core dump, which may take long. */
const EXITING_OR_KILLED = 0x4 | 0x400;

/**
 * Reads the phase from the text of `/proc/<pid>/stat`. A killed process whose main thread waits uninterruptibly, as in a
 * write to a file system that its own run froze, shows only in the pending signals of that thread: the kernel adds a
 * SIGKILL, and any other end of the whole process, to those of every thread. Pure.
 */
export function phaseOf(stat: string): ProcessPhase {
  // Fields 3, 9, 20 and 31 of proc_pid_stat(5).
  const fields = fieldsAfterName(stat);
  const [flags = 0, threads = 0, pending = 0] = [6, 17, 28].map((index) => Number(fields[index]));
  if (['Z', 'X'].includes(fields[0] ?? 'X')) {
    return threads > 1 ? 'dying' : 'ended';
  }
  return (flags & EXITING_OR_KILLED) !== 0 || (pending & SIGKILL) !== 0 ? 'dying' : 'running';
}

/**
 * Whether the process can still run code of its program. False for a killed process that the kernel has not ended yet; one
 * of its threads may be stuck there: see `threadRuns`.
 */
export async function stillRuns(identity: ProcessIdentity): Promise<boolean> {
  return (await currentPhase(identity)) === 'running';
}

/** Whether it has released its files and locks. */
export async function hasEnded(identity: ProcessIdentity): Promise<boolean> {
  return (await currentPhase(identity)) === 'ended';
}

/** The process does not exist, or has ended while its file was read. */
const GONE: ReadonlySet<string> = new Set(['ENOENT', 'ESRCH']);

async function currentPhase({ pid, startTicks }: ProcessIdentity): Promise<ProcessPhase> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
    return parseStat(stat).startTicks === startTicks ? phaseOf(stat) : 'ended';
  } catch (error) {
    // If it cannot be looked at (EMFILE), it may be running: what a run has frozen must not be thawed for a dead one's.
    return GONE.has(errnoOf(error) ?? '') ? 'ended' : 'running';
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
