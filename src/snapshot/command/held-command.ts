import type { ChildProcess } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { FlashfreezeError } from '../../errors.ts';
import { reasonOf } from '../../system/errno.ts';
import { resourceAdvice } from '../../system/native-errors.ts';
import { startProgram } from '../../system/start-program.ts';
import { HeldOutput } from './held-output.ts';
import { findProgram, warmProgram } from './program-path.ts';

/**
 * Waits in place of the command and then becomes it by exec (same process). Descriptor 3 is a socket: a line
 * on it starts the command; if the socket closes first, the command never starts. Between the line and the
 * exec the shell neither forks nor writes to a file system.
 */
const STAND_IN = 'echo ready >&3; read -r go <&3 || exit 125; exec "$@" 3<&-';
const SHELL = '/bin/sh';

/** Time between SIGTERM, after which a command can undo its changes, and SIGKILL. */
export const TERMINATION_GRACE_MS = 5_000;
/** How long to wait after SIGKILL: a process in uninterruptible sleep does not end even then. */
const KILL_LIMIT_MS = 2_000;
/** How long to wait for the last output after the end: background processes of the command keep the pipes open. */
const LAST_OUTPUT_MS = 1_000;

export type CommandEnd =
  | { readonly kind: 'exited'; readonly exitCode: number }
  | { readonly kind: 'killed'; readonly signal: NodeJS.Signals };

/**
 * A command that is ready, in a session of its own and with empty standard input, and starts with `release`.
 * Its output is held in memory.
 */
export class HeldCommand implements AsyncDisposable {
  readonly output = new HeldOutput();
  /** Resolves when it is ready, or has ended before that. */
  readonly ready: Promise<void>;
  /** Resolves when it has ended. */
  readonly ended: Promise<CommandEnd>;
  readonly #child: ChildProcess;
  readonly #control: Duplex;
  readonly #closed: Promise<unknown>;
  #end: CommandEnd | undefined;

  /** @throws FlashfreezeError FF_COMMAND_NOT_FOUND, FF_COMMAND_NOT_EXECUTABLE, FF_LIMIT_REACHED */
  static async hold([name = '', ...args]: readonly string[]): Promise<HeldCommand> {
    const program = await findProgram(name);
    await warmProgram(program);
    const child = await startProgram(SHELL, ['-c', STAND_IN, 'flashfreeze', program, ...args], {
      // A session of its own: Ctrl-C and a closing terminal reach only flashfreeze, which thaws first.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    }).catch((error: unknown) => {
      throw startError(program, error);
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

  /** How it ended; undefined if it has not. */
  get end(): CommandEnd | undefined {
    return this.#end;
  }

  /** Starts the command: writes one line to a socket and does not wait. */
  release(): void {
    this.#control.end('go\n');
  }

  /** Sends SIGTERM to it and to all processes of its process group. */
  terminate(): void {
    this.#signal('SIGTERM');
  }

  /** Waits for its end at most for the grace period, then kills it. Call it after `terminate`. */
  async endAfterTermination(): Promise<CommandEnd | undefined> {
    await within(this.ended, TERMINATION_GRACE_MS);
    if (this.#end === undefined) {
      this.#signal('SIGKILL');
      await within(this.ended, KILL_LIMIT_MS);
    }
    return this.#end;
  }

  /** Waits until its output has arrived. */
  async outputArrived(): Promise<void> {
    await within(this.#closed, LAST_OUTPUT_MS);
  }

  /** Ends it if it was never started; if it is running, it continues without this process. */
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
      // All its processes have ended.
    }
  }
}

/** The exit code of shells and env(1) for a program that could not be started. */
const CANNOT_START = 126;

function startError(program: string, error: unknown): FlashfreezeError {
  const reason = reasonOf(error);
  const advice = resourceAdvice(reason);
  return advice === undefined
    ? new FlashfreezeError(
        'FF_COMMAND_NOT_EXECUTABLE',
        `${program} cannot be started by ${SHELL}: ${reason}`,
      )
    : new FlashfreezeError(
        'FF_LIMIT_REACHED',
        `${program} cannot be started: ${reason}; ${advice}`,
      );
}

async function within(event: Promise<unknown>, limitMs: number): Promise<void> {
  const enough = new AbortController();
  try {
    await Promise.race([event, delay(limitMs, undefined, { signal: enough.signal })]);
  } finally {
    enough.abort();
  }
}
