import { appendFileSync, renameSync, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { directoryProblem, SafeDirectory } from '../system/safe-directory.ts';
import type { LogSink } from './held-log.ts';

/** Size at which the file is moved to `<path>.1`, whose former content is lost. */
export const DEFAULT_MAX_LOG_BYTES = 5 * 1024 * 1024;

/**
 * The log file. Writes at once and synchronously, so that lines that are written before a crash are in the file after
 * it. Blocks while the file's file system is frozen; `HeldLog` prevents that while the run holds something. Never throws:
 * lines that are lost because the disk is full are counted, and a warning gives their number once there is space again. Nothing is written to
 * a folder that another user than root can have made or can change: a link in it would lead root's lines elsewhere.
 */
export class FileLog implements LogSink {
  readonly #path: string;
  readonly #maxBytes: number;
  #lostLines = 0;

  constructor(path: string, maxBytes: number = DEFAULT_MAX_LOG_BYTES) {
    this.#path = resolve(path);
    this.#maxBytes = maxBytes;
  }

  write(lines: string): void {
    try {
      this.#append(this.#lostNote() + lines);
      this.#lostLines = 0;
    } catch {
      this.#lostLines += lines.split('\n').length - 1;
    }
  }

  /** Why lines are lost, for people; undefined if the folder can be used. Makes it if it is missing. */
  problem(): string | undefined {
    try {
      using _directory = SafeDirectory.open(dirname(this.#path));
      return undefined;
    } catch (error) {
      return `nothing is written to ${this.#path}: ${directoryProblem(error)}`;
    }
  }

  #append(text: string): void {
    using directory = SafeDirectory.open(dirname(this.#path));
    const path = directory.pathOf(basename(this.#path));
    this.#rotate(path, Buffer.byteLength(text));
    appendFileSync(path, text, { mode: 0o600 });
  }

  #rotate(path: string, moreBytes: number): void {
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    if (size > 0 && size + moreBytes > this.#maxBytes) {
      renameSync(path, `${path}.1`);
    }
  }

  #lostNote(): string {
    return this.#lostLines === 0
      ? ''
      : `${new Date().toISOString()} WARNING ${this.#lostLines} log lines were lost: the log file could not be written\n`;
  }
}
