import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { HeldOutput } from './held-output.ts';
import { findProgram, warmProgram } from './program-path.ts';

/**
 * Stands in for the command until it is let go, then becomes it (same process). Descriptor 3 is a
 * socket: a line on it says go, its end says that it will not come to that. Nothing is forked, and
 * nothing written to a file system, between the line and the exec.
 */
const STAND_IN = 'echo ready >&3; read -r go <&3 || exit 125; exec "$@" 3<&-';
const SHELL = '/bin/sh';

/** Between SIGTERM, which lets a command undo what it did, and SIGKILL. */
export const TERMINATION_GRACE_MS = 5_000;
/** A process in uninterruptible sleep does not even end of SIGKILL: it is not waited for longer. */
const KILL_LIMIT_MS = 2_000;
/** What it printed last is still on its way; what it started in the background keeps the pipes open. */
const LAST_OUTPUT_MS = 1_000;

export type CommandEnd =
  | { readonly kind: 'exited'; readonly exitCode: number }
  | { readonly kind: 'killed'; readonly signal: NodeJS.Signals };

/**
 * A command that stands ready, in a session of its own and with nothing to read on its standard input, and
 * begins when it is let go. What it prints is held in memory.
 */
export class HeldCommand implements AsyncDisposable {
  readonly output = new HeldOutput();
  /** Resolves when it stands ready, or has ended before that. */
  readonly ready: Promise<void>;
  /** Resolves when it has ended. */
  readonly ended: Promise<CommandEnd>;
  readonly #child: ChildProcess;
  readonly #control: Duplex;
  readonly #closed: Promise<unknown>;
  #end: CommandEnd | undefined;

  /** @throws FlashfreezeError FF_COMMAND_NOT_FOUND, FF_COMMAND_NOT_EXECUTABLE */
  static async hold([name = '', ...args]: readonly string[]): Promise<HeldCommand> {
    const program = await findProgram(name);
    await warmProgram(program);
    const child = spawn(SHELL, ['-c', STAND_IN, 'flashfreeze', program, ...args], {
      // A session of its own: Ctrl-C and a closing terminal reach this process alone, which thaws first.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    return new HeldCommand(child);
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#control = child.stdio[3] as Duplex;
    const ready = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<CommandEnd>();
    const closed = Promise.withResolvers<void>();
    this.ready = ready.promise;
    this.ended = ended.promise;
    this.#closed = closed.promise;
    const endWith = (end: CommandEnd): void => {
      this.#end ??= end;
      ended.resolve(this.#end);
      ready.resolve();
    };
    child.on('error', () => endWith({ kind: 'exited', exitCode: CANNOT_START }));
    child.on('exit', (exitCode, signal) =>
      endWith(
        signal === null
          ? { kind: 'exited', exitCode: exitCode ?? CANNOT_START }
          : { kind: 'killed', signal },
      ),
    );
    child.on('close', () => closed.resolve());
    child.stdout?.on('data', (chunk: Buffer) => this.output.add('stdout', chunk));
    child.stderr?.on('data', (chunk: Buffer) => this.output.add('stderr', chunk));
    this.#control.on('error', () => {});
    this.#control.once('data', () => ready.resolve());
  }

  /** How it ended; undefined as long as it has not. */
  get end(): CommandEnd | undefined {
    return this.#end;
  }

  /** Lets it begin; writes one line to a socket and does not wait. */
  letGo(): void {
    this.#control.end('go\n');
  }

  /** Asks it to end, with all it has started in its session. */
  terminate(): void {
    this.#signal('SIGTERM');
  }

  /** Waits for its end; after `terminate` no longer than the grace period, then it is killed. */
  async endAfterTermination(): Promise<CommandEnd | undefined> {
    await within(this.ended, TERMINATION_GRACE_MS);
    if (this.#end === undefined) {
      this.#signal('SIGKILL');
      await within(this.ended, KILL_LIMIT_MS);
    }
    return this.#end;
  }

  /** Waits until what it printed has arrived. */
  async outputArrived(): Promise<void> {
    await within(this.#closed, LAST_OUTPUT_MS);
  }

  /** Ends it where it was never let go; one that runs on does so without this process. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#control.destroy();
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
    this.#child.unref();
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined || this.#end !== undefined) {
      return;
    }
    try {
      process.kill(-pid, signal);
    } catch {
      // All of it has ended.
    }
  }
}

/** As shells and env(1) say that a program could not be started. */
const CANNOT_START = 126;

async function within(event: Promise<unknown>, limitMs: number): Promise<void> {
  const enough = new AbortController();
  try {
    await Promise.race([event, delay(limitMs, undefined, { signal: enough.signal })]);
  } finally {
    enough.abort();
  }
}
