import { readdir, readFile, readlink } from 'node:fs/promises';

/**
 * What is read of the processes of a machine. One implementation is the machine, another a recording.
 * Undefined where it cannot be read: processes end while they are looked at.
 */
export interface ProcessView {
  list(directory: string): Promise<readonly string[] | undefined>;
  /** What a symbolic link says, without going there. */
  link(path: string): Promise<string | undefined>;
  read(file: string): Promise<string | undefined>;
}

/** The processes that our `/proc` shows. */
export const theseProcesses: ProcessView = {
  list: (directory) => orUndefined(readdir(directory)),
  link: (path) => orUndefined(readlink(path)),
  read: (file) => orUndefined(readFile(file, 'utf8')),
};

function orUndefined<Value>(reading: Promise<Value>): Promise<Value | undefined> {
  return reading.catch(() => undefined);
}
