import { VM_BACKUP_CONFIGURATION_PATH } from '../config/vmbackup.ts';
import { FlashfreezeError } from '../errors.ts';
import type { Freezer } from '../freezer/freezer.ts';
import type { FreezerEvent, Stamps } from '../freezer/freezer-types.ts';
import { deadlineIn } from '../system/stamps.ts';
import type { EventSlot, RunContext } from './context.ts';
import type { Prepared } from './prepare.ts';
import { dependentsOf, type Ordered } from './schedule/stuck-first.ts';

/** A round as quick as this leaves almost nothing for the freeze to flush. */
const QUIET_ROUND_MS = 20;
const MAX_ROUNDS = 3;
/** No further round begins when the rounds together took this long. */
const ROUNDS_MS = 5_000;

/**
 * Whether one more syncfs of every file system is worth its time. Flushing first makes the freeze about fifty times
 * shorter (freeze-facts.md, Cost). On a machine that keeps writing, dirty data never runs out, so the number of
 * rounds and their time are limited.
 *
 * @param roundsMs how long each round so far took, in milliseconds
 */
export function needsAnotherRound(roundsMs: readonly number[]): boolean {
  const last = roundsMs.at(-1);
  if (last === undefined) {
    return true;
  }
  const total = roundsMs.reduce((sum, round) => sum + round, 0);
  return last > QUIET_ROUND_MS && roundsMs.length < MAX_ROUNDS && total < ROUNDS_MS;
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

/** A FIFREEZE flushes about as long as the last syncfs took. From each of these limits on, it is frozen in a wave before. */
const SLOW_FLUSHES_NS = [100_000_000n, 1_000_000_000n] as const;

/**
 * Gives the file systems of slow disks waves of their own, before the others: while a slow disk flushes what became
 * dirty since the last syncfs, the writers of quick disks are not blocked yet. Slow ones freeze at the same time, so
 * that their times do not add up. What needs a slow one stays before it. Pure.
 *
 * @param flushNs the duration of the last syncfs of each file system
 */
export function slowFirst(
  plan: Ordered,
  waves: readonly (readonly number[])[],
  flushNs: readonly (bigint | undefined)[],
): number[][] {
  let ordered = waves.map((wave) => [...wave]);
  for (const limitNs of SLOW_FLUSHES_NS) {
    const slow = ordered.flat().filter((index) => (flushNs[index] ?? 0n) >= limitNs);
    const first = new Set(slow.flatMap((index) => [...dependentsOf(plan, ordered, index), index]));
    ordered = [true, false]
      .flatMap((isFirst) => ordered.map((wave) => wave.filter((it) => first.has(it) === isFirst)))
      .filter((wave) => wave.length > 0);
  }
  return ordered;
}

/**
 * Flushes dirty data before the freeze, if the request asks for it.
 *
 * @returns the last syncfs of each file system; zeros if there was none
 * @throws FlashfreezeError FF_FLUSH_TIMEOUT if a syncfs does not return within the limit: the freeze would block writers
 * for as long as it still takes. FF_INTERRUPTED
 */
export async function flushDirtyData(
  context: RunContext,
  { freezer, plan }: Pick<Prepared, 'freezer' | 'plan'>,
): Promise<readonly Stamps[]> {
  const { request } = context;
  const count = request.settle ? plan.fileSystems.length : 0;
  const flushed = await context.unlessAborted(
    flush(freezer, count, context.freezerEvents, request.flushLimitMs),
  );
  if (flushed.late.length > 0) {
    const names = flushed.late.map((index) => plan.fileSystems[index]?.mountPoint ?? '');
    throw new FlashfreezeError(
      'FF_FLUSH_TIMEOUT',
      `the dirty data of ${names.join(', ')} was not written to disk within ${request.flushLimitMs / 1_000} s; nothing was frozen, because its writers would be blocked for as long as the rest takes. Check whether the disk answers; if it is only slow, raise flushLimit in [Flashfreeze] of ${VM_BACKUP_CONFIGURATION_PATH}, or leave it out with --skip or MountsToSkip.`,
    );
  }
  return flushed.last;
}

/** The result of flushing. */
export interface Flushed {
  /** The last syncfs of each file system; zeros if none has returned. */
  readonly last: readonly Stamps[];
  /** The file systems whose syncfs is still running. */
  readonly late: readonly number[];
}

/**
 * Flushes all file systems at the same time, in rounds until little is left to flush. However long a slow disk takes,
 * nothing is frozen meanwhile.
 *
 * @param limitMs time limit of all rounds together
 */
export async function flush(
  freezer: Pick<Freezer, 'syncfs'>,
  count: number,
  events: EventSlot<FreezerEvent>,
  limitMs: number,
): Promise<Flushed> {
  const roundsMs: number[] = [];
  let last: readonly Stamps[] = new Array<Stamps>(count).fill(NOT_SYNCED);
  const untilNs = deadlineIn(limitMs);
  while (count > 0 && needsAnotherRound(roundsMs)) {
    const round = await syncAll(freezer, count, events, untilNs);
    last = round.last;
    if (round.late.length > 0) {
      return round;
    }
    roundsMs.push(Math.max(...last.map(({ startNs, endNs }) => Number(endNs - startNs))) / 1e6);
  }
  return { last, late: [] };
}

const NOT_SYNCED: Stamps = { startNs: 0n, endNs: 0n };

/** One syncfs of every file system; resolves when all have returned, or at `untilNs` on CLOCK_MONOTONIC. */
async function syncAll(
  freezer: Pick<Freezer, 'syncfs'>,
  count: number,
  events: EventSlot<FreezerEvent>,
  untilNs: bigint,
): Promise<Flushed> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const last = new Array<Stamps>(count).fill(NOT_SYNCED);
  const running = new Set(last.keys());
  using _listening = events.listen((event) => {
    if (event.kind === 'synced') {
      last[event.fileSystem] = { startNs: event.startNs, endNs: event.endNs };
      running.delete(event.fileSystem);
    }
    if (running.size === 0) {
      resolve();
    }
  });
  freezer.syncfs([...running]);
  const leftMs = Number(untilNs - process.hrtime.bigint()) / 1e6;
  const timer = setTimeout(resolve, Math.max(1, leftMs));
  await promise;
  clearTimeout(timer);
  return { last, late: [...running] };
}
