import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, constants, fchownSync, openSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Account } from './account.ts';

/** Where a client finds its private file: descriptor 3, the first that is free. */
export const PRIVATE_FILE = '/proc/self/fd/3';

/** What is said once a client that was told to end has not. */
const END_GRACE_MS = 1_000;
/** What a client says is short; more of it is not kept. */
const MAX_CHARACTERS = 1024 * 1024;

/** How to talk with a client program over its standard input and output. */
export interface Dialect {
  /** A line that makes the client print a line beginning with this mark, after everything before it. */
  readonly markLine: (mark: string) => string;
  /** What went wrong, from the lines before the mark, the mark's own line and standard error. */
  readonly errorIn: (said: Said) => string | undefined;
  /** True of what a client says that lives on without a session, and will answer nothing any more. */
  readonly isLost: (complaint: string) => boolean;
}

export interface Said {
  readonly lines: readonly string[];
  /** What follows the mark on its line. */
  readonly afterMark: string;
  readonly complaint: string;
}

export type Answer =
  | { readonly kind: 'answered'; readonly lines: readonly string[] }
  | { readonly kind: 'refused'; readonly reason: string }
  /** The client has gone, and its session with it. */
  | { readonly kind: 'ended'; readonly reason: string }
  | { readonly kind: 'timed-out' };

export interface ClientCommand {
  readonly program: string;
  readonly args: readonly string[];
  /** Besides HOME, USER, LOGNAME, PATH and LANG; may hold a password. */
  readonly environment: Readonly<Record<string, string>>;
  /** What the client and root alone read at `PRIVATE_FILE`, in memory only; may hold a password. */
  readonly privateFile?: string;
  readonly account: Account;
}

/**
 * One session with a database through its own client program, which runs as another account without a
 * shell. As long as this object lives the session does; when this process dies the client reads the end
 * of its input and ends, and the server releases what the session held.
 */
export class ClientSession {
  readonly #child: ChildProcess;
  readonly #dialect: Dialect;
  #hasEnded = false;
  #failure: string | undefined;
  #output = '';
  #complaint = '';
  #marks = 0;
  /** Called when something was heard. */
  #heard: () => void = () => {};

  constructor(command: ClientCommand, dialect: Dialect) {
    this.#dialect = dialect;
    this.#child = start(command);
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#output = keep(this.#output + text);
      this.#heard();
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#complaint = keep(this.#complaint + text);
      if (dialect.isLost(this.#complaint)) {
        this.kill();
      }
    });
    // That it has gone shows in its end.
    this.#child.stdin?.on('error', () => {});
    const onEnd = (): void => {
      this.#hasEnded = true;
      this.#heard();
    };
    this.#child.on('error', (error) => {
      this.#failure = error.message;
      onEnd();
    });
    this.#child.on('close', onEnd);
  }

  /**
   * Sends a statement and waits for what the client says to it. One at a time. After `timed-out` the
   * session is of no more use.
   */
  async ask(statement: string, limitMs: number): Promise<Answer> {
    this.#marks += 1;
    const mark = `flashfreeze-mark-${this.#marks}`;
    this.#complaint = '';
    this.#child.stdin?.write(`${statement}\n${this.#dialect.markLine(mark)}\n`);
    const isTimedOut = !(await this.#until(() => this.#markIndex(mark) >= 0, limitMs));
    if (isTimedOut) {
      return { kind: 'timed-out' };
    }
    // Whatever the client complained of it wrote before the mark: both are ready by now, and the poll
    // that brought the mark brings the complaint too.
    await new Promise(setImmediate);
    const at = this.#markIndex(mark);
    return at < 0 ? this.#ending() : this.#answer(mark, at);
  }

  /** Lets the client end by itself, and by force where it does not. Never rejects. */
  async end(): Promise<void> {
    this.#child.stdin?.end();
    if (!(await this.#until(() => this.#hasEnded, END_GRACE_MS))) {
      this.kill();
      // One that hangs in the kernel is not waited for.
      await this.#until(() => this.#hasEnded, END_GRACE_MS);
    }
    // Whatever the client has left behind, and holds its output open, keeps this process no longer.
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }

  /** With what it has started. The server sees its connection end; it needs no help from the client. */
  kill(): void {
    const { pid } = this.#child;
    if (this.#hasEnded || pid === undefined) {
      return;
    }
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It has just ended.
    }
  }

  #answer(mark: string, at: number): Answer {
    const lineEnd = this.#output.indexOf('\n', at);
    const afterMark = this.#output.slice(at + mark.length, lineEnd);
    const lines = this.#output.slice(0, at).split('\n').slice(0, -1);
    this.#output = this.#output.slice(lineEnd + 1);
    const said = { lines, afterMark, complaint: this.#complaint.trim() };
    const reason = this.#dialect.errorIn(said);
    return reason === undefined ? { kind: 'answered', lines } : { kind: 'refused', reason };
  }

  #ending(): Answer {
    const reason = this.#failure ?? `${this.#complaint}\n${this.#output}`.trim();
    return { kind: 'ended', reason: reason || 'it ended without a word' };
  }

  /** Where a whole line begins with the mark. */
  #markIndex(mark: string): number {
    const at = this.#output.startsWith(mark) ? 0 : this.#output.indexOf(`\n${mark}`) + 1;
    const isThere = this.#output.startsWith(mark, at) && this.#output.includes('\n', at);
    return isThere ? at : -1;
  }

  /** False if the time was over before that was so, or the client had gone. */
  async #until(isSo: () => boolean, limitMs: number): Promise<boolean> {
    const enough = new AbortController();
    const expired = delay(limitMs, false, { signal: enough.signal }).catch(() => false);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#heard = () => {
      if (isSo() || this.#hasEnded) {
        resolve(true);
      }
    };
    this.#heard();
    try {
      return await Promise.race([promise, expired]);
    } finally {
      enough.abort();
      this.#heard = () => {};
    }
  }
}

/** A session and process group of its own, so that a terminal's signals do not reach it. */
function start(command: ClientCommand): ChildProcess {
  const { program, args, environment, account, privateFile } = command;
  const isOther = account.uid !== process.getuid?.();
  const become = [
    ...[`--reuid=${account.uid}`, `--regid=${account.gid}`, '--init-groups', '--', program],
  ];
  const descriptor = privateFile === undefined ? undefined : openPrivateFile(privateFile, account);
  try {
    return spawn(isOther ? 'setpriv' : program, isOther ? [...become, ...args] : args, {
      stdio: ['pipe', 'pipe', 'pipe', ...(descriptor === undefined ? [] : [descriptor])],
      detached: true,
      cwd: '/',
      env: {
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        LANG: 'C.UTF-8',
        HOME: account.home,
        USER: account.name,
        LOGNAME: account.name,
        ...environment,
      },
    });
  } finally {
    if (descriptor !== undefined) {
      closeSync(descriptor);
    }
  }
}

/** O_TMPFILE, which Node has no name for: a file without one, gone with its last descriptor (open(2)). */
const NAMELESS = 0o20000000 | constants.O_DIRECTORY | constants.O_RDWR;
/** A tmpfs wherever there is systemd. */
const IN_MEMORY = '/run';

function openPrivateFile(text: string, { uid, gid }: Account): number {
  const descriptor = openSync(IN_MEMORY, NAMELESS, 0o400);
  try {
    writeSync(descriptor, text);
    fchownSync(descriptor, uid, gid);
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function keep(text: string): string {
  return text.length > MAX_CHARACTERS ? text.slice(-MAX_CHARACTERS) : text;
}
