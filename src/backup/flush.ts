import type { Freezer } from '../freezer/freezer.ts';
import type { FreezerEvent, Stamps } from '../freezer/freezer-types.ts';
import type { EventSlot, RunContext } from './context.ts';
import type { Prepared } from './prepare.ts';

/** A round as quick as this leaves almost nothing for the freeze to flush. */
const QUIET_ROUND_MS = 20;
const MAX_ROUNDS = 3;
/** Time limit of all rounds together. */
export const MAX_TOTAL_MS = 5_000;

/**
 * Whether one more syncfs of every file system is worth its time. Flushing first makes the freeze about fifty times
 * shorter (freeze-facts.md, Cost). On a machine that keeps writing, dirty data never runs out, so rounds and total
 * time are limited.
 *
 * @param roundsMs how long each round so far took, in milliseconds
 */
export function needsAnotherRound(roundsMs: readonly number[]): boolean {
  const last = roundsMs.at(-1);
  if (last === undefined) {
    return true;
  }
  const total = roundsMs.reduce((sum, round) => sum + round, 0);
  return last > QUIET_ROUND_MS && roundsMs.length < MAX_ROUNDS && total < MAX_TOTAL_MS;
}

/**
 * Sorts each wave by the duration of the last flush, longest first: these file systems have the most to flush and so
 * take longest to freeze. File systems that took equally long keep the plan's order.
 */
export function slowestFirst(
  waves: readonly (readonly number[])[],
  settleNs: readonly (bigint | undefined)[],
): number[][] {
  return waves.map((wave) =>
    wave.toSorted((a, b) => Number((settleNs[b] ?? 0n) - (settleNs[a] ?? 0n))),
  );
}

/** The result of flushing. */
export interface Flushed {
  /** The last syncfs of each file system; zeros if none has returned. */
  readonly last: readonly Stamps[];
  /** False if a syncfs is still running: another one must not start then. */
  readonly isFinished: boolean;
}

/**
 * Flushes dirty data before the freeze, if the request asks for it.
 *
 * @throws FlashfreezeError FF_INTERRUPTED
 */
export async function flushDirtyData(
  context: RunContext,
  { freezer, plan }: Prepared,
): Promise<Flushed> {
  const count = context.request.settle ? plan.fileSystems.length : 0;
  const flushed = await context.unlessAborted(flush(freezer, count, context.freezerEvents));
  if (!flushed.isFinished) {
    context.warn(
      `flushing dirty data did not finish within ${MAX_TOTAL_MS / 1_000} s; the freeze will flush the rest and take longer`,
    );
  }
  return flushed;
}

/**
 * Flushes all file systems at the same time, in rounds until little is left to flush, for at most five seconds. The
 * freeze flushes what a slow device has not flushed by then.
 */
export async function flush(
  freezer: Freezer,
  count: number,
  events: EventSlot<FreezerEvent>,
): Promise<Flushed> {
  const roundsMs: number[] = [];
  let last: readonly Stamps[] = new Array<Stamps>(count).fill(NOT_SYNCED);
  const untilNs = process.hrtime.bigint() + BigInt(MAX_TOTAL_MS * 1e6);
  while (count > 0 && needsAnotherRound(roundsMs)) {
    const round = await syncAll(freezer, count, events, untilNs);
    last = round.last;
    if (!round.isFinished) {
      return round;
    }
    roundsMs.push(Math.max(...last.map(({ startNs, endNs }) => Number(endNs - startNs))) / 1e6);
  }
  return { last, isFinished: true };
}

const NOT_SYNCED: Stamps = { startNs: 0n, endNs: 0n };

/** One syncfs of every file system; resolves when all have returned, or at `untilNs` on CLOCK_MONOTONIC. */
async function syncAll(
  freezer: Freezer,
  count: number,
  events: EventSlot<FreezerEvent>,
  untilNs: bigint,
): Promise<Flushed> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const last = new Array<Stamps>(count).fill(NOT_SYNCED);
  let outstanding = count;
  using _listening = events.listen((event) => {
    if (event.kind === 'synced') {
      last[event.fileSystem] = { startNs: event.startNs, endNs: event.endNs };
      outstanding -= 1;
    }
    if (outstanding === 0) {
      resolve(true);
    }
  });
  freezer.syncfs(last.map((_, index) => index));
  const leftMs = Number(untilNs - process.hrtime.bigint()) / 1e6;
  const timer = setTimeout(resolve, Math.max(1, leftMs), false);
  const isFinished = await promise;
  clearTimeout(timer);
  return { last, isFinished };
}
