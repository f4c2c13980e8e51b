import { readdir, readFile, readlink } from 'node:fs/promises';

/**
 * Reads `/proc`. One implementation reads this machine, another a recording. Every call returns undefined if the entry
 * cannot be read: processes may end at any time.
 */
export interface ProcessView {
  list(directory: string): Promise<readonly string[] | undefined>;
  /** The target of a symbolic link, without following it. */
  link(path: string): Promise<string | undefined>;
  read(file: string): Promise<string | undefined>;
}

/** The processes in this machine's `/proc`. */
export const theseProcesses: ProcessView = {
  list: (directory) => orUndefined(readdir(directory)),
  link: (path) => orUndefined(readlink(path)),
  read: (file) => orUndefined(readFile(file, 'utf8')),
};

function orUndefined<Value>(reading: Promise<Value>): Promise<Value | undefined> {
  return reading.catch(() => undefined);
}
