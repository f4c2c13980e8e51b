import { printableLines } from './printable.ts';
import type { Redaction } from './redaction.ts';

/** From the most to the least serious. */
export const LOG_LEVELS = ['error', 'warning', 'info', 'verbose'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The destination of finished lines, each with its line feed. Must write at once or keep the text in memory. */
export interface LogSink {
  write(lines: string): void;
}

/** Number of lines that a hold keeps in memory before it drops the oldest informational lines. */
export const DEFAULT_MAX_HELD_LINES = 10_000;
/** Number of characters that a hold keeps in memory before it drops the oldest informational lines. */
export const DEFAULT_MAX_HELD_CHARACTERS = 4 * 1024 * 1024;

export interface HeldLogOptions {
  readonly sink: LogSink;
  readonly redaction: Redaction;
  /** Less serious lines are not logged; default: `info`. */
  readonly minimumLevel?: LogLevel;
  readonly maxHeldLines?: number;
  readonly maxHeldCharacters?: number;
  /** False: what is logged between `freezeBegins` and `freezeEnds` is never written; default: true. */
  readonly logsWhileFrozen?: boolean;
  /** The clock for the time stamps. */
  readonly now?: () => Date;
}

interface Line {
  readonly at: Date;
  readonly level: LogLevel;
  readonly text: string;
}

interface Entry extends Line {
  readonly sequence: number;
}

/** Standard error, so that standard output holds only the result of `--json`. */
export const stderrSink: LogSink = {
  write: (lines) => {
    process.stderr.write(lines);
  },
};

/**
 * The log of a run. Between `hold` and `release` it writes nothing anywhere: its file may be on a file system that this
 * run or another tool has frozen, its terminal may be stopped, its pipe full, and a process that blocks in a write
 * reaches neither the thaw nor the release of an application (design, law 4). Lines that are logged in this time are
 * kept in bounded memory. Nothing here is asynchronous, and a failing sink never makes the caller fail.
 */
export class HeldLog {
  readonly #sink: LogSink;
  readonly #redaction: Redaction;
  readonly #minimum: number;
  readonly #maxLines: number;
  readonly #maxCharacters: number;
  readonly #logsWhileFrozen: boolean;
  readonly #now: () => Date;
  #held: HeldEntries | undefined;
  #isFrozen = false;
  #unwritten = 0;

  constructor(options: HeldLogOptions) {
    this.#sink = options.sink;
    this.#redaction = options.redaction;
    this.#minimum = LOG_LEVELS.indexOf(options.minimumLevel ?? 'info');
    this.#maxLines = options.maxHeldLines ?? DEFAULT_MAX_HELD_LINES;
    this.#maxCharacters = options.maxHeldCharacters ?? DEFAULT_MAX_HELD_CHARACTERS;
    this.#logsWhileFrozen = options.logsWhileFrozen ?? true;
    this.#now = options.now ?? (() => new Date());
  }

  error(text: string): void {
    this.log('error', text);
  }

  warning(text: string): void {
    this.log('warning', text);
  }

  info(text: string): void {
    this.log('info', text);
  }

  verbose(text: string): void {
    this.log('verbose', text);
  }

  log(level: LogLevel, text: string): void {
    const isLeftOut = this.#isFrozen && !this.#logsWhileFrozen;
    if (isLeftOut || LOG_LEVELS.indexOf(level) > this.#minimum) {
      return;
    }
    const line = { at: this.#now(), level, text };
    if (this.#held === undefined) {
      this.#write([line]);
    } else {
      this.#held.add(line);
    }
  }

  /** Writes nothing more until `release`. Does nothing if the log is already held. */
  hold(): void {
    this.#held ??= new HeldEntries(this.#maxLines, this.#maxCharacters);
  }

  /** Holds the log, too: only `release` writes what is logged now. */
  freezeBegins(): void {
    this.hold();
    this.#isFrozen = true;
  }

  freezeEnds(): void {
    this.#isFrozen = false;
  }

  /** Writes the held lines in the order in which they were logged. Does nothing if the log is not held. */
  release(): void {
    this.#isFrozen = false;
    const held = this.#held;
    if (held === undefined) {
      return;
    }
    this.#held = undefined;
    this.#write(held.lines());
    if (held.dropped > 0) {
      this.warning(
        `${held.dropped} log lines were dropped: more were logged than memory may hold until the end of the run`,
      );
    }
  }

  #write(lines: readonly Line[]): void {
    if (lines.length === 0) {
      return;
    }
    try {
      this.#sink.write(lines.map((line) => this.#format(line)).join(''));
    } catch {
      // The log itself is the best place to report this, once it works again.
      this.#unwritten += lines.length;
      return;
    }
    if (this.#unwritten > 0) {
      const lost = this.#unwritten;
      this.#unwritten = 0;
      this.warning(`${lost} log lines were lost: the log could not be written`);
    }
  }

  #format({ at, level, text }: Line): string {
    // Text of scripts and servers must neither forge log lines nor control a terminal.
    const safe = printableLines(this.#redaction.redact(text)).replaceAll('\n', '\n    ');
    return `${at.toISOString()} ${level.toUpperCase()} ${safe}\n`;
  }
}

/**
 * The lines that a hold keeps, within its bounds: the oldest informational lines are dropped first. Errors and warnings
 * stay; if they alone exceed the bounds, the first ones stay, because they are nearest to the cause.
 */
class HeldEntries {
  readonly #maxLines: number;
  readonly #maxCharacters: number;
  readonly #serious: Entry[] = [];
  /** Valid from `#oldest` on; the entries before it have been dropped. */
  readonly #informational: Entry[] = [];
  #oldest = 0;
  #sequence = 0;
  #characters = 0;
  dropped = 0;

  constructor(maxLines: number, maxCharacters: number) {
    this.#maxLines = maxLines;
    this.#maxCharacters = maxCharacters;
  }

  add(line: Line): void {
    const isSerious = line.level === 'error' || line.level === 'warning';
    (isSerious ? this.#serious : this.#informational).push({
      ...line,
      sequence: this.#sequence++,
    });
    this.#characters += line.text.length;
    while (this.#isOverfull()) {
      this.#characters -= this.#dropOne()?.text.length ?? 0;
      this.dropped++;
    }
  }

  lines(): Line[] {
    return [...this.#serious, ...this.#informational.slice(this.#oldest)].sort(
      (first, second) => first.sequence - second.sequence,
    );
  }

  #isOverfull(): boolean {
    const count = this.#serious.length + this.#informational.length - this.#oldest;
    return count > 0 && (count > this.#maxLines || this.#characters > this.#maxCharacters);
  }

  #dropOne(): Entry | undefined {
    return this.#oldest < this.#informational.length
      ? this.#dropOldestInformational()
      : this.#serious.pop();
  }

  #dropOldestInformational(): Entry | undefined {
    const dropped = this.#informational[this.#oldest++];
    if (this.#oldest * 2 > this.#informational.length) {
      this.#informational.splice(0, this.#oldest);
      this.#oldest = 0;
    }
    return dropped;
  }
}
