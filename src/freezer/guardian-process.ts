import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { FlashfreezeError } from '../errors.ts';
import type { NativeDescriptors } from '../system/native.ts';
import { resourceAdvice } from '../system/native-errors.ts';
import { type GuardianMessage, parseGuardianLine } from './guardian-report.ts';

interface Awaited {
  readonly accepts: (message: GuardianMessage) => boolean;
  readonly resolve: (message: GuardianMessage) => void;
  readonly reject: (error: Error) => void;
}

/** The guardian's process: it gets commands and answers in lines of text. */
export class GuardianProcess {
  readonly pid: number;
  /** Resolves when the process is gone and its last line has been read. */
  readonly ended: Promise<void>;
  /** Messages that `receive` has not returned yet. */
  readonly messages: GuardianMessage[] = [];
  readonly #child: ChildProcess;
  readonly #control: Writable;
  #awaited: Awaited | undefined;
  #isGone = false;

  /**
   * Throws `FF_GUARDIAN_MISSING` if the executable does not exist, `FF_GUARDIAN_LOST` if a limit prevents its
   * start. The guardian only holds the descriptor `watched` open.
   */
  static async spawn(
    executable: string,
    args: readonly string[],
    descriptors: NativeDescriptors,
    watched: number,
  ): Promise<GuardianProcess> {
    const { ledger, gracePeriods, lifeline, mountPoints } = descriptors;
    const grace = gracePeriods < 0 ? ('ignore' as const) : gracePeriods;
    const child = spawn(executable, args, {
      // A session of its own: Ctrl-C and a closing terminal reach only the freezing process.
      detached: true,
      cwd: '/',
      env: {},
      // In the order that native/guardian.cc expects.
      stdio: ['pipe', 'pipe', 'ignore', ledger, grace, watched, lifeline, ...mountPoints],
    });
    const { promise: spawned, resolve, reject } = Promise.withResolvers<void>();
    child.once('spawn', resolve);
    child.once('error', (error) => reject(spawnError(executable, error)));
    await spawned;
    return new GuardianProcess(child);
  }

  private constructor(child: ChildProcess) {
    const { stdin, stdout, pid } = child;
    if (stdin === null || stdout === null || pid === undefined) {
      throw new FlashfreezeError('FF_INTERNAL', 'the guardian was started without pipes');
    }
    this.pid = pid;
    this.#child = child;
    this.#control = stdin;
    // If the guardian is gone, `ended` resolves.
    stdin.on('error', () => {});
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    child.once('close', () => {
      this.#isGone = true;
      this.#awaited?.reject(this.#endedError());
      resolve();
    });
    this.#readLines(stdout);
    this.#letEventLoopEnd(stdout);
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** One of the command bytes of native/guardian.cc. */
  send(command: 'a' | 'l' | 'd' | 'q'): void {
    this.#control.write(command);
  }

  /** Rejects with `FF_GUARDIAN_LOST` if the guardian ends first or does not answer in time. */
  async receive(
    accepts: (message: GuardianMessage) => boolean,
    limitMs: number,
  ): Promise<GuardianMessage> {
    const known = this.messages.findIndex(accepts);
    const [message] = known < 0 ? [] : this.messages.splice(known, 1);
    if (message !== undefined) {
      return message;
    }
    if (this.#isGone) {
      throw this.#endedError();
    }
    const { promise, resolve, reject } = Promise.withResolvers<GuardianMessage>();
    this.#awaited = { accepts, resolve, reject };
    const timer = setTimeout(() => reject(lostError(`no answer in ${limitMs} ms`)), limitMs);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#awaited = undefined;
    }
  }

  /** Call it only if nothing is frozen. It also ends a guardian that is stopped. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #endedError(): FlashfreezeError {
    const error = this.messages.find((message) => message.kind === 'error');
    if (error === undefined) {
      return lostError('it ended');
    }
    const { syscall, errno } = error;
    const advice = resourceAdvice(errno);
    return advice === undefined
      ? lostError(`${syscall}: ${errno}`)
      : new FlashfreezeError(
          'FF_LIMIT_REACHED',
          `the guardian cannot be started: ${syscall}: ${errno}; ${advice}`,
          { systemCall: { errno, syscall } },
        );
  }

  #readLines(stdout: Readable): void {
    createInterface({ input: stdout }).on('line', (line) => {
      const message = parseGuardianLine(line);
      if (message === undefined) {
        return;
      }
      if (this.#awaited?.accepts(message)) {
        this.#awaited.resolve(message);
      } else {
        this.messages.push(message);
      }
    });
  }

  /** The guardian does not keep the event loop alive. Each wait for it has a timer that does. */
  #letEventLoopEnd(stdout: Readable): void {
    this.#child.unref();
    for (const stream of [this.#control, stdout]) {
      if ('unref' in stream && typeof stream.unref === 'function') {
        stream.unref();
      }
    }
  }
}

function spawnError(executable: string, error: Error): FlashfreezeError {
  const { code: errno = 'unknown' } = error as NodeJS.ErrnoException;
  const options = { systemCall: { errno, syscall: 'spawn', path: executable } };
  const cannot = `the guardian "${executable}" cannot be started (${errno})`;
  const advice = resourceAdvice(errno);
  return advice === undefined
    ? new FlashfreezeError(
        'FF_GUARDIAN_MISSING',
        `${cannot}; build it with "npm ci" (needs g++, make and python3), or install the extension again`,
        options,
      )
    : new FlashfreezeError('FF_GUARDIAN_LOST', `${cannot}; ${advice}`, options);
}

function lostError(reason: string): FlashfreezeError {
  return new FlashfreezeError(
    'FF_GUARDIAN_LOST',
    `the guardian process is not running: ${reason}; flashfreeze does not freeze without it`,
  );
}
