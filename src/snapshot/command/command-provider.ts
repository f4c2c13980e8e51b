import { NO_HEAD } from '../matching/blob-head.ts';
import type {
  Preflight,
  RequestFailure,
  Rewarmed,
  SnapshotAnswer,
  SnapshotEvent,
  SnapshotProvider,
} from '../snapshot-types.ts';
import type { CommandEnd, HeldCommand } from './held-command.ts';

const TARGET = 0;

export interface CommandProviderOptions {
  readonly onEvent: (event: SnapshotEvent) => void;
}

/**
 * Runs a command instead of snapshot requests. There is one target, which stands for every disk: the command
 * starts when everything is frozen, and nothing is thawed before it has ended. Does not dispose the command.
 */
export class CommandProvider implements SnapshotProvider {
  readonly #command: HeldCommand;
  readonly #emit: (event: SnapshotEvent) => void;
  #firedNs: bigint | undefined;
  #answeredNs: bigint | undefined;
  /** Why the provider stopped waiting for the command. */
  #cut: 'timeout' | 'aborted' | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(command: HeldCommand, { onEvent }: CommandProviderOptions) {
    this.#command = command;
    this.#emit = onEvent;
    void command.ended.then((end) => this.#onEnd(end));
  }

  async preflight(): Promise<readonly Preflight[]> {
    await this.#command.ready;
    const failure = this.#goneFailure();
    return [
      failure === undefined
        ? { ok: true, target: TARGET, head: NO_HEAD, sizeBytes: undefined }
        : { ok: false, target: TARGET, failure },
    ];
  }

  /** A command starts at most once; if an earlier freeze attempt failed before `fire`, the command is still ready. */
  async rewarm(): Promise<readonly Rewarmed[]> {
    const failure = this.#goneFailure();
    return [
      failure === undefined
        ? { ok: true, target: TARGET, warm: true }
        : { ok: false, target: TARGET, failure },
    ];
  }

  fire(targets: readonly number[], deadlineNs: bigint): void {
    if (!targets.includes(TARGET) || this.#firedNs !== undefined) {
      return;
    }
    this.#firedNs = process.hrtime.bigint();
    if (this.#command.end !== undefined) {
      this.#onEnd(this.#command.end);
      return;
    }
    this.#command.release();
    const limitMs = Number(deadlineNs - this.#firedNs) / 1e6;
    this.#timer = setTimeout(() => this.#giveUp('timeout'), Math.max(0, limitMs));
  }

  abort(): void {
    if (this.#firedNs !== undefined) {
      this.#giveUp('aborted');
    }
  }

  async answers(): Promise<readonly SnapshotAnswer[]> {
    if (this.#firedNs === undefined) {
      return [this.#answer(failureOf('aborted', 'was not started'))];
    }
    // If the command was given up, the run does not wait for it: locks and guardian have to be released first.
    const end = this.#cut === undefined ? await this.#command.ended : this.#command.end;
    return [this.#answer(this.#failureOfEnd(end))];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer);
  }

  #onEnd(end: CommandEnd): void {
    if (this.#firedNs === undefined || this.#answeredNs !== undefined) {
      return;
    }
    clearTimeout(this.#timer);
    this.#answeredNs = process.hrtime.bigint();
    const kind = succeeded(end) ? 'acknowledged' : 'failed';
    this.#emit({ kind, target: TARGET, atNs: this.#answeredNs });
  }

  /** Reports the failure first, which leads to the thaw: a command that hangs on a frozen file system ends only after it. */
  #giveUp(cut: 'timeout' | 'aborted'): void {
    if (this.#answeredNs !== undefined) {
      return;
    }
    clearTimeout(this.#timer);
    this.#cut = cut;
    this.#answeredNs = process.hrtime.bigint();
    this.#emit({ kind: 'failed', target: TARGET, atNs: this.#answeredNs });
    this.#command.terminate();
  }

  #failureOfEnd(end: CommandEnd | undefined): RequestFailure | undefined {
    switch (this.#cut) {
      case 'timeout':
        return failureOf(
          'timeout',
          'did not end before the time-out; flashfreeze thawed everything and then sent it SIGTERM. A command that writes to a frozen file system hangs until the thaw: make it write to standard output or to a tmpfs.',
        );
      case 'aborted':
        return failureOf('aborted', 'was sent SIGTERM after the thaw');
      case undefined:
        return end === undefined || succeeded(end)
          ? undefined
          : failureOf('command', sentenceOf(end));
    }
  }

  #goneFailure(): RequestFailure | undefined {
    const { end } = this.#command;
    return end === undefined
      ? undefined
      : failureOf('command', `ended before it could start (${sentenceOf(end)})`);
  }

  #answer(failure: RequestFailure | undefined): SnapshotAnswer {
    return {
      target: TARGET,
      attempts: this.#firedNs === undefined ? 0 : 1,
      firedNs: this.#firedNs,
      acknowledgedNs: this.#answeredNs,
      httpStatus: undefined,
      snapshot: failure === undefined ? TAKEN : undefined,
      requestId: undefined,
      failure,
      mayHaveOrphan: false,
    };
  }
}

/** Used instead of a snapshot's time: only the command knows what it has created. */
const TAKEN = 'taken by the command';

function succeeded(end: CommandEnd): boolean {
  return end.kind === 'exited' && end.exitCode === 0;
}

function sentenceOf(end: CommandEnd): string {
  return end.kind === 'exited'
    ? `ended with exit code ${end.exitCode}`
    : `was killed by ${end.signal}`;
}

function failureOf(kind: RequestFailure['kind'], message: string): RequestFailure {
  return {
    kind,
    message,
    httpStatus: undefined,
    serviceCode: undefined,
    requestId: undefined,
  };
}
