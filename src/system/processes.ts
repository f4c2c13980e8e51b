import { readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { decodeLines } from './decode-lines.ts';

/**
 * Reads `/proc`. One implementation reads this machine, another a recording. Every call returns undefined if the entry
 * cannot be read: processes may end at any time.
 */
export interface ProcessView {
  list(directory: string): Promise<readonly string[] | undefined>;
  /** The target of a symbolic link, without following it. */
  link(path: string): Promise<string | undefined>;
  /** Text; a line that is no UTF-8 as `decodeLines` writes it. */
  read(file: string): Promise<string | undefined>;
}

/** The processes in this machine's `/proc`. */
export const theseProcesses: ProcessView = {
  list: (directory) => orUndefined(readdir(directory)),
  link: (path) => orUndefined(readlink(path)),
  read: (file) => orUndefined(readFile(file).then(decodeLines)),
};

/**
 * Processes whose `comm` is one of the names. Synchronous, because it is asked right before a freeze: a promise for each
 * process takes three times as long, and leaves garbage for the window.
 */
export function processesNamed(names: ReadonlySet<string>): number[] {
  return readdirSync('/proc').flatMap((name) => {
    const pid = Number(name);
    return Number.isInteger(pid) && names.has(commandOf(pid)) ? [pid] : [];
  });
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd();
  } catch {
    // It has ended.
    return '';
  }
}

function orUndefined<Value>(reading: Promise<Value>): Promise<Value | undefined> {
  return reading.catch(() => undefined);
}
