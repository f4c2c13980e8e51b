import type { LogSink } from './held-log.ts';

/** Longest part of a task's log that goes to the log blob. */
export const DEFAULT_MAX_TASK_LOG_CHARACTERS = 1024 * 1024;

/**
 * Passes log lines on, and keeps them for the task's log blob in bounded memory: if there are too many, only the last
 * ones. `HeldLog` has redacted the lines.
 */
export class TaskLog implements LogSink {
  readonly #sinks: readonly LogSink[];
  readonly #maxCharacters: number;
  #kept: string[] = [];
  #keptCharacters = 0;
  #droppedCharacters = 0;

  constructor(sinks: readonly LogSink[], maxCharacters: number = DEFAULT_MAX_TASK_LOG_CHARACTERS) {
    this.#sinks = sinks;
    this.#maxCharacters = maxCharacters;
  }

  write(lines: string): void {
    this.#keep(lines);
    for (const sink of this.#sinks) {
      sink.write(lines);
    }
  }

  /** Everything kept so far; begins with a note if earlier lines were dropped. */
  text(): string {
    const note =
      this.#droppedCharacters === 0
        ? ''
        : `(${this.#droppedCharacters} characters of earlier lines were left out)\n`;
    return note + this.#kept.join('');
  }

  /** Drops whole lines, the oldest first; of a single line that is too long, drops the beginning. */
  #keep(lines: string): void {
    this.#kept.push(lines);
    this.#keptCharacters += lines.length;
    if (this.#keptCharacters <= this.#maxCharacters) {
      return;
    }
    // Half at a time, so that a long log is not copied for each of its lines.
    const all = this.#kept.join('');
    const from = all.length - Math.floor(this.#maxCharacters / 2);
    const lineEnd = all.indexOf('\n', from - 1);
    const begin = lineEnd < 0 || lineEnd === all.length - 1 ? from : lineEnd + 1;
    this.#kept = [all.slice(begin)];
    this.#keptCharacters = all.length - begin;
    this.#droppedCharacters += begin;
  }
}
