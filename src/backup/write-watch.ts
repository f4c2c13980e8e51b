import type { Disk } from '../filesystems/plan-types.ts';
import { type CountedWrites, WriteCounter } from '../filesystems/write-counters.ts';
import { type ArrayWrites, arraysOver } from './array-writes.ts';
import type { Prepared } from './prepare.ts';
import type { WritesSeen } from './record.ts';
import { COUNTING_LIMIT_MS, readSettled, WaitingTime } from './settled-counter.ts';
import { disksToWatch, isAllFrozen } from './whole-set/behind.ts';

/** A disk, and its partitions that the machine swaps to; swapped data is never restored. */
interface WatchedDisk {
  readonly name: string;
  /**
   * Nothing but file systems that the run freezes lies on it. Then discards do not count: a frozen file system still
   * discards what it had freed before (btrfs with `discard=async`), which nothing reads.
   */
  readonly isAllFrozen: boolean;
  /** One for each path to it; empty if the writes through one of the paths are not counted. */
  readonly counters: readonly CountedWrites[];
  readonly swaps: readonly CountedWrites[];
  /** Undefined if something on it is not frozen. */
  readonly arrays: ArrayWrites | undefined;
  /** Undefined before the first reading. */
  before: number | undefined;
  /** `contentOf` at that reading. */
  contentBefore: number;
  readonly swapsBefore: number[];
}

/** Opens the counter of a block device; undefined if its writes are not counted. */
type OpenCounter = (name: string) => CountedWrites | undefined;

/** When the counters of a target's disks were read (CLOCK_MONOTONIC), and which disks had changed. */
interface WatchedTarget {
  readonly disks: readonly WatchedDisk[];
  fromNs: bigint | undefined;
  toNs: bigint | undefined;
  readonly changed: Set<string>;
}

/**
 * Proves by the disks' write counters that nothing wrote to them while their snapshots were taken: no database on a raw
 * disk, no file system that cannot be frozen, no swap, no program that moves data below a file system. The counters of
 * a target are read right before its request leaves, but at the barrier at the latest. They are read again when its
 * answer is in and the barrier has been reached, before anything on its disks is thawed. If they are equal and no write
 * is in flight, the content of the disks did not change between the two readings. All these spans contain the end of
 * the barrier's first readings: that is the instant which unchanged disks show together.
 *
 * All counters are opened before the window; a reading takes some microseconds for each disk, opening a third of a millisecond.
 */
export class WriteWatch implements Disposable {
  readonly #targets: readonly WatchedTarget[];
  readonly #opened: readonly WatchedDisk[];
  readonly #waiting = new WaitingTime(COUNTING_LIMIT_MS);

  private constructor(targets: readonly WatchedTarget[], opened: readonly WatchedDisk[]) {
    this.#targets = targets;
    this.#opened = opened;
  }

  /** For one window of a run. */
  static of({ plan, targets }: Pick<Prepared, 'plan' | 'targets'>): WriteWatch {
    return WriteWatch.open(
      targets.map(({ behind }) => disksToWatch(behind)),
      [...plan.disks, ...(plan.otherDisks ?? [])],
      (name) => isAllFrozen(plan, name),
    );
  }

  /**
   * @param watched for each target the kernel names of the disks that it may be
   * @param disks all disks of the machine
   * @param isAllFrozen whether nothing but file systems that the run freezes lies on a disk
   */
  static open(
    watched: readonly (readonly string[])[],
    disks: readonly Disk[],
    isAllFrozen: (name: string) => boolean,
    openCounter: OpenCounter = (name) => WriteCounter.open(name),
  ): WriteWatch {
    const known = new Map(disks.map((disk) => [disk.name, disk]));
    const opened = new Map(
      [...new Set(watched.flat())].map((name) => [
        name,
        openDisk(name, known.get(name), isAllFrozen(name), openCounter),
      ]),
    );
    const targets = watched.map((names) => ({
      disks: names.flatMap((name) => opened.get(name) ?? []),
      fromNs: undefined,
      toNs: undefined,
      changed: new Set<string>(),
    }));
    return new WriteWatch(targets, [...opened.values()]);
  }

  /** To be called right before the requests of these targets leave. Reads each target once. */
  beforeRequests(targets: readonly number[], isBarrier: boolean): void {
    for (const index of targets) {
      const target = this.#targets[index];
      if (target !== undefined && target.fromNs === undefined) {
        for (const disk of target.disks) {
          readBefore(disk, isBarrier ? countAtBarrier : countBeforeBarrier, this.#waiting);
        }
        target.fromNs = process.hrtime.bigint();
      }
    }
  }

  /** Everything is frozen, and the instant is now: reads targets whose requests have not left, then answered ones. */
  atBarrier(answered: readonly number[]): void {
    this.beforeRequests([...this.#targets.keys()], true);
    this.afterAnswers(answered);
  }

  /** To be called when the answers of these targets are in and nothing on their disks has been thawed. */
  afterAnswers(targets: readonly number[]): void {
    for (const index of targets) {
      const target = this.#targets[index];
      if (target !== undefined) {
        target.toNs = process.hrtime.bigint();
        for (const disk of target.disks) {
          if (hasChanged(disk, this.#waiting)) {
            target.changed.add(disk.name);
          }
        }
      }
    }
  }

  /** The result for each target. */
  results(): WritesSeen[] {
    return this.#targets.map(({ disks, fromNs, toNs, changed }): WritesSeen => {
      if (fromNs === undefined || toNs === undefined) {
        return { kind: disks.some(({ counters }) => counters.length > 0) ? 'unread' : 'unknown' };
      }
      if (disks.some(({ counters, swaps }) => [...counters, ...swaps].some((it) => it.isLost))) {
        return { kind: 'unread' };
      }
      if (changed.size > 0) {
        return { kind: 'changed', disks: [...changed] };
      }
      return disks.length === 0 || disks.some(({ counters }) => counters.length === 0)
        ? { kind: 'unknown' }
        : { kind: 'unchanged', fromNs, toNs };
    });
  }

  [Symbol.dispose](): void {
    for (const { counters, swaps, arrays } of this.#opened) {
      arrays?.[Symbol.dispose]();
      for (const counter of [...counters, ...swaps]) {
        counter[Symbol.dispose]();
      }
    }
  }
}

function openDisk(
  name: string,
  disk: Disk | undefined,
  isAllFrozen: boolean,
  openCounter: OpenCounter,
): WatchedDisk {
  const swaps = (disk?.swaps ?? []).flatMap((it) => openCounter(it) ?? []);
  const opened: WatchedDisk = {
    name,
    isAllFrozen,
    counters: countersOf(disk?.paths ?? [name], openCounter),
    swaps,
    arrays: isAllFrozen ? arraysOver(name, disk, openCounter) : undefined,
    before: undefined,
    contentBefore: 0,
    swapsBefore: swaps.map(() => 0),
  };
  // A rehearsal, so that nothing is compiled in the window.
  const noTime = new WaitingTime(0);
  readBefore(opened, countBeforeBarrier, noTime);
  opened.before = undefined;
  readBefore(opened, countAtBarrier, noTime);
  hasChanged(opened, noTime);
  opened.before = undefined;
  return opened;
}

/** A write may take any of the paths, so all of them must be counted; otherwise returns none. */
function countersOf(paths: readonly string[], openCounter: OpenCounter): CountedWrites[] {
  const opened = paths.flatMap((path) => openCounter(path) ?? []);
  if (opened.length === paths.length) {
    return opened;
  }
  for (const counter of opened) {
    counter[Symbol.dispose]();
  }
  return [];
}

/** What of a counter may not change. */
function countOf({ completed, discarded }: CountedWrites, { isAllFrozen }: WatchedDisk): number {
  return isAllFrozen ? completed : completed + discarded;
}

/** What grows with each write and discard that changes content; a flush changes none. */
function contentOf({ sectors, discarded }: CountedWrites, { isAllFrozen }: WatchedDisk): number {
  return isAllFrozen ? sectors : sectors + discarded;
}

/**
 * Writes in flight count as completed: no program has seen them complete yet, so a disk with such a write and one
 * without it both show the instant. If no write is in flight at the end and the count is equal, nothing was added.
 */
function countAtBarrier(
  counter: CountedWrites,
  disk: WatchedDisk,
  waitsForDiscards: boolean,
  waiting: WaitingTime,
): number {
  const writing = readSettled(counter, waitsForDiscards, waiting);
  return countOf(counter, disk) + writing;
}

/** Limit of readings while a write is in flight; each takes some microseconds. */
const MAX_LOOKS = 10;

/**
 * Before the instant, writes in flight are not counted: if one completes later, the disk counts as changed. A program
 * that waits for that write could then write to another disk, whose snapshot would contain the later write although
 * this disk's snapshot lacks the earlier one.
 */
function countBeforeBarrier(
  counter: CountedWrites,
  disk: WatchedDisk,
  waitsForDiscards: boolean,
  waiting: WaitingTime,
): number {
  for (let looks = 1; readSettled(counter, waitsForDiscards, waiting) > 0 && looks < MAX_LOOKS; ) {
    looks += 1;
  }
  return countOf(counter, disk);
}

/** Reads the disk before its swaps; `hasChanged` reads its swaps first, so their span lies inside the disk's span. */
function readBefore(disk: WatchedDisk, count: typeof countAtBarrier, waiting: WaitingTime): void {
  const { counters, swaps, swapsBefore } = disk;
  if (disk.before !== undefined) {
    return;
  }
  disk.arrays?.readBefore();
  disk.before = 0;
  disk.contentBefore = 0;
  const waitsForDiscards = disk.isAllFrozen && !isSwapping(swaps);
  for (const counter of counters) {
    disk.before += count(counter, disk, waitsForDiscards, waiting);
    disk.contentBefore += contentOf(counter, disk);
  }
  for (const [index, swap] of swaps.entries()) {
    swapsBefore[index] = count(swap, disk, false, waiting);
  }
}

/** What swaps are busy with is not waited for. */
function isSwapping(swaps: readonly CountedWrites[]): boolean {
  return swaps.some((swap) => swap.read() > 0);
}

function hasChanged(disk: WatchedDisk, waiting: WaitingTime): boolean {
  const { counters, before, swaps, swapsBefore } = disk;
  if (before === undefined) {
    return false;
  }
  let swapped = 0;
  let swapping = 0;
  for (const [index, swap] of swaps.entries()) {
    swapping += swap.read();
    swapped += countOf(swap, disk) - (swapsBefore[index] ?? 0);
  }
  let completed = 0;
  let writing = 0;
  let content = 0;
  const waitsForDiscards = disk.isAllFrozen && swapping === 0;
  for (const counter of counters) {
    writing += readSettled(counter, waitsForDiscards, waiting);
    completed += countOf(counter, disk);
    content += contentOf(counter, disk);
  }
  const own = completed - before - swapped;
  const hasOthers = own !== 0 || writing > swapping;
  const isFlush = own > 0 && content === disk.contentBefore;
  const isExplained =
    writing === 0 && (isFlush || disk.arrays?.explain(own, content - disk.contentBefore) === true);
  return counters.length > 0 && hasOthers && !isExplained;
}
