import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { LogSink } from './held-log.ts';

/** Size at which the file is moved to `<path>.1`, whose former content is lost. */
export const DEFAULT_MAX_LOG_BYTES = 5 * 1024 * 1024;

/**
 * The log file. Writes at once and synchronously, so that lines that are written before a crash are in the file after
 * it. Blocks while the file's file system is frozen; `HeldLog` prevents that while the run holds something. Never throws:
 * lines that are lost because the disk is full are counted, and a warning gives their number once there is space again.
 */
export class FileLog implements LogSink {
  readonly #path: string;
  readonly #maxBytes: number;
  #lostLines = 0;

  constructor(path: string, maxBytes: number = DEFAULT_MAX_LOG_BYTES) {
    this.#path = path;
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

  #append(text: string): void {
    this.#rotate(Buffer.byteLength(text));
    const append = (): void => appendFileSync(this.#path, text, { mode: 0o600 });
    try {
      append();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        throw error;
      }
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      append();
    }
  }

  #rotate(moreBytes: number): void {
    const size = statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
    if (size > 0 && size + moreBytes > this.#maxBytes) {
      renameSync(this.#path, `${this.#path}.1`);
    }
  }

  #lostNote(): string {
    return this.#lostLines === 0
      ? ''
      : `${new Date().toISOString()} WARNING ${this.#lostLines} log lines were lost: the log file could not be written\n`;
  }
}
