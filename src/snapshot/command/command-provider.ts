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

export interface CommandTakerOptions {
  readonly onEvent: (event: SnapshotEvent) => void;
}

/**
 * A command in the place of snapshot requests. There is one target, which every disk may be: the command begins
 * when everything is frozen, and nothing is thawed before it has ended. Borrows the command.
 */
export class CommandProvider implements SnapshotProvider {
  readonly #command: HeldCommand;
  readonly #tell: (event: SnapshotEvent) => void;
  #firedNs: bigint | undefined;
  #answeredNs: bigint | undefined;
  /** Why it was not waited for. */
  #cut: 'timeout' | 'aborted' | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(command: HeldCommand, { onEvent }: CommandTakerOptions) {
    this.#command = command;
    this.#tell = onEvent;
    void command.ended.then((end) => this.#onEnd(end));
  }

  async preflight(): Promise<readonly Preflight[]> {
    await this.#command.ready;
    const failure = this.#goneFailure();
    return [
      failure === undefined
        ? { ok: true, target: TARGET, head: new Uint8Array(0), sizeBytes: undefined }
        : { ok: false, target: TARGET, failure },
    ];
  }

  /** A command is let go once; what a broken attempt never came to is still ready. */
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
    this.#tell({ kind: 'fired', target: TARGET, atNs: this.#firedNs });
    if (this.#command.end !== undefined) {
      this.#onEnd(this.#command.end);
      return;
    }
    this.#command.letGo();
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
    // One that was given up is not waited for here: a quiesced application is still to be let go.
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
    this.#tell({ kind, target: TARGET, atNs: this.#answeredNs });
  }

  /** The thaw comes first: a command that hangs on a frozen file system ends only after it. */
  #giveUp(cut: 'timeout' | 'aborted'): void {
    if (this.#answeredNs !== undefined) {
      return;
    }
    clearTimeout(this.#timer);
    this.#cut = cut;
    this.#answeredNs = process.hrtime.bigint();
    this.#tell({ kind: 'failed', target: TARGET, atNs: this.#answeredNs });
    this.#command.terminate();
  }

  #failureOfEnd(end: CommandEnd | undefined): RequestFailure | undefined {
    switch (this.#cut) {
      case 'timeout':
        return failureOf(
          'timeout',
          'had not ended when the time-out came; everything was thawed, then it was sent SIGTERM. A command that writes to a frozen file system hangs until the thaw: let it write to standard output or to a tmpfs.',
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
      : failureOf('command', `ended before it was let go (${sentenceOf(end)})`);
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

/** In the place of a snapshot's time: what the command has made is known to it alone. */
const TAKEN = 'taken by the command';

function succeeded(end: CommandEnd): boolean {
  return end.kind === 'exited' && end.exitCode === 0;
}

function sentenceOf(end: CommandEnd): string {
  return end.kind === 'exited'
    ? `ended with exit code ${end.exitCode}`
    : `was ended by ${end.signal}`;
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
