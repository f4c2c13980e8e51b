import type { Freezer } from '../freezer/freezer.ts';
import type { ArmedFreezer } from '../freezer/guardian.ts';
import type { SnapshotProvider } from '../snapshot/snapshot-types.ts';
import { earlierOf, nanoseconds } from '../system/stamps.ts';
import type { StuckWatch } from './stuck-watch.ts';

/** The effects of the window; each call starts something and returns at once. */
export interface WindowEffects {
  freeze(fileSystems: readonly number[]): void;
  thaw(fileSystems: readonly number[]): void;
  fire(targets: readonly number[]): void;
  cancelRequests(): void;
  /** Everything is frozen: restores the grace periods, and replaces the limit of the wave by the deadline. */
  atBarrier(): void;
}

/**
 * Requests end this long before the deadline; if the time-out is short, a tenth of it before. So a disk that does not
 * answer is reported as such, and the window ends in order before the native deadline thaws everything.
 */
const REQUEST_MARGIN_MS = 100;

/** What the window acts on. */
export interface WindowParts {
  readonly freezer: Pick<Freezer, 'thaw' | 'restoreGracePeriods'>;
  /** Undefined if there is nothing to freeze. */
  readonly armed: Pick<ArmedFreezer, 'freeze' | 'limit'> | undefined;
  readonly snapshots: Pick<SnapshotProvider, 'fire' | 'abort'>;
  readonly watch: Pick<StuckWatch, 'begin' | typeof Symbol.dispose>;
}

/**
 * The effects of one window.
 *
 * @param limits how long everything may stay frozen, and how long one wave may freeze
 * @param deadlineNs CLOCK_MONOTONIC; nothing stays frozen after it
 */
export function windowEffects(
  { timeoutMs, waveLimitMs }: { readonly timeoutMs: number; readonly waveLimitMs: number },
  { freezer, armed, snapshots, watch }: WindowParts,
  deadlineNs: bigint,
): WindowEffects {
  const marginMs = Math.min(REQUEST_MARGIN_MS, timeoutMs / 10);
  const requestDeadlineNs = deadlineNs - nanoseconds(marginMs);
  return {
    freeze: (fileSystems) => {
      const nowNs = process.hrtime.bigint();
      const limitNs = earlierOf(nowNs + nanoseconds(waveLimitMs), deadlineNs);
      armed?.limit(limitNs);
      armed?.freeze(fileSystems);
      watch.begin(Number(limitNs - nowNs) / 1e6);
    },
    thaw: (fileSystems) => freezer.thaw(fileSystems),
    fire: (fired) => snapshots.fire(fired, requestDeadlineNs),
    cancelRequests: () => snapshots.abort(),
    atBarrier: () => {
      freezer.restoreGracePeriods();
      armed?.limit(deadlineNs);
      watch[Symbol.dispose]();
    },
  };
}
