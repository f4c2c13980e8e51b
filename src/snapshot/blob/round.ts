import type { RequestFailure, SnapshotAnswer, SnapshotEvent } from '../snapshot-types.ts';

interface Noted {
  /** When the main thread ordered the request; the thread of the lane knows when it left. */
  orderedNs: bigint | undefined;
  acknowledgedNs: bigint | undefined;
  ended: boolean;
}

/**
 * What the main thread itself knows about the targets fired since the last re-warming: enough to report
 * their results if the thread that fired them is gone.
 */
export class Round {
  readonly #noted = new Map<number, Noted>();
  readonly #timers: NodeJS.Timeout[] = [];
  #lastDeadlineNs = 0n;

  /** @param orderedNs CLOCK_MONOTONIC, like the deadline */
  fired(targets: readonly number[], orderedNs: bigint, deadlineNs: bigint): void {
    for (const target of targets) {
      this.#of(target).orderedNs ??= orderedNs;
    }
    if (deadlineNs > this.#lastDeadlineNs) {
      this.#lastDeadlineNs = deadlineNs;
    }
  }

  note(event: SnapshotEvent): void {
    const noted = this.#of(event.target);
    noted.ended = true;
    if (event.kind === 'acknowledged') {
      noted.acknowledgedNs = event.atNs;
    }
  }

  /** The targets among these that have not ended. */
  open(targets: readonly number[]): number[] {
    return targets.filter((target) => !this.#of(target).ended);
  }

  /**
   * Runs an action at a time (CLOCK_MONOTONIC), unless the round is over by then. Messages that have arrived
   * by then are processed first, because this thread may have been busy.
   */
  at(timeNs: bigint, action: () => void): void {
    const delayMs = Number(timeNs - process.hrtime.bigint()) / 1e6;
    const timer = setTimeout(() => setImmediate(action), Math.max(1, Math.ceil(delayMs)));
    this.#timers.push(timer);
  }

  end(): void {
    for (const timer of this.#timers) {
      clearTimeout(timer);
    }
  }

  /** Time until the last deadline; 0 if it has passed. */
  remainingMs(): number {
    return Math.max(0, Number(this.#lastDeadlineNs - process.hrtime.bigint()) / 1e6);
  }

  /**
   * The answer for a target whose lane was lost. With the thread its real answer, its tries and the time of its request were
   * lost; so that time is when it was ordered.
   */
  answerOfLost(target: number, failure: RequestFailure): SnapshotAnswer {
    const { orderedNs, acknowledgedNs } = this.#of(target);
    return {
      target,
      attempts: orderedNs === undefined ? 0 : 1,
      firedNs: orderedNs,
      acknowledgedNs,
      httpStatus: undefined,
      snapshot: undefined,
      requestId: undefined,
      failure,
      mayHaveOrphan: orderedNs !== undefined,
    };
  }

  #of(target: number): Noted {
    const known = this.#noted.get(target);
    if (known !== undefined) {
      return known;
    }
    const noted = { orderedNs: undefined, acknowledgedNs: undefined, ended: false };
    this.#noted.set(target, noted);
    return noted;
  }
}
