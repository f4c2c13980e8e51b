import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

/** A process of the lab. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  /** Name of the executable file; empty for one that is dead and not yet waited for. */
  readonly executable: string;
  /** One letter, as proc_pid_stat(5) has it. */
  readonly state: string;
}

/** Everything that runs in this pid namespace. */
export function processes(): ProcessEntry[] {
  return readdirSync('/proc').flatMap((name) => {
    const entry = /^\d+$/.test(name) ? readProcess(Number(name)) : undefined;
    return entry === undefined ? [] : [entry];
  });
}

function readProcess(pid: number): ProcessEntry | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { pid, parent: Number(parent), executable: executableOf(pid), state };
  } catch {
    return undefined; // Gone meanwhile.
  }
}

function executableOf(pid: number): string {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`));
  } catch {
    return '';
  }
}

/** Name of the guardian's executable. */
export const GUARDIAN = 'flashfreeze-guardian';

/** The guardian of a command, where it has started one that still lives. */
export function guardianOf(command: number): number | undefined {
  return processes().find(({ parent, executable }) => parent === command && executable === GUARDIAN)
    ?.pid;
}
