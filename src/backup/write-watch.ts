import type { Disk } from '../filesystems/plan-types.ts';
import { type CountedWrites, WriteCounter } from '../filesystems/write-counters.ts';
import type { WritesSeen } from './record.ts';

/** A disk with its partitions that the machine swaps to: what is written there is never restored. */
interface WatchedDisk {
  readonly name: string;
  /** One for each path to it; none if the writes of one of them are not counted. */
  readonly counters: readonly CountedWrites[];
  readonly swaps: readonly CountedWrites[];
  /** Undefined before the first reading. */
  before: number | undefined;
  readonly swapsBefore: number[];
}

/** Undefined for a block device whose writes are not counted. */
type OpenCounter = (name: string) => CountedWrites | undefined;

/** When a target's disks were read, CLOCK_MONOTONIC, and what was found. */
interface WatchedTarget {
  readonly disks: readonly WatchedDisk[];
  fromNs: bigint | undefined;
  toNs: bigint | undefined;
  readonly changed: Set<string>;
}

/**
 * Proves by the disks' write counters that nothing wrote to them while their snapshots were taken, whoever it might
 * have been: a database on a raw disk, a file system that cannot be frozen, swap, what moves data below a file
 * system. Of each target the counters are read right before its request leaves, at the barrier at the latest, and
 * again when its answer is in and the barrier has been reached, before anything on its disks is thawed. If they
 * are the same and nothing is under way, the disks show one content in all that time. All these spans have the
 * end of the barrier's first readings in common: that is the instant which unchanged disks show together.
 *
 * Everything is opened before; a reading takes some microseconds a disk.
 */
export class WriteWatch implements Disposable {
  readonly #targets: readonly WatchedTarget[];
  readonly #opened: readonly WatchedDisk[];

  private constructor(targets: readonly WatchedTarget[], opened: readonly WatchedDisk[]) {
    this.#targets = targets;
    this.#opened = opened;
  }

  /**
   * @param watched for each target the kernel names of the disks that it may be
   * @param disks all of the machine
   */
  static open(
    watched: readonly (readonly string[])[],
    disks: readonly Disk[],
    openCounter: OpenCounter = (name) => WriteCounter.open(name),
  ): WriteWatch {
    const known = new Map(disks.map((disk) => [disk.name, disk]));
    const opened = new Map(
      [...new Set(watched.flat())].map((name) => [
        name,
        openDisk(name, known.get(name), openCounter),
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

  /** Right before the requests of these targets leave. What was read before is not read again. */
  beforeRequests(targets: readonly number[], isBarrier: boolean): void {
    for (const index of targets) {
      const target = this.#targets[index];
      if (target !== undefined && target.fromNs === undefined) {
        for (const disk of target.disks) {
          readBefore(disk, isBarrier ? countAtBarrier : countBeforeBarrier);
        }
        target.fromNs = process.hrtime.bigint();
      }
    }
  }

  /** Everything is frozen: what has no request yet is read now, since the instant is now; then what has its answer. */
  atBarrier(answered: readonly number[]): void {
    this.beforeRequests([...this.#targets.keys()], true);
    this.afterAnswers(answered);
  }

  /** The answers of these targets are in, and nothing on their disks has been thawed. */
  afterAnswers(targets: readonly number[]): void {
    for (const index of targets) {
      const target = this.#targets[index];
      if (target !== undefined) {
        target.toNs = process.hrtime.bigint();
        for (const disk of target.disks) {
          if (hasChanged(disk)) {
            target.changed.add(disk.name);
          }
        }
      }
    }
  }

  /** For each target what was found. */
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
    for (const { counters, swaps } of this.#opened) {
      for (const counter of [...counters, ...swaps]) {
        counter[Symbol.dispose]();
      }
    }
  }
}

function openDisk(name: string, disk: Disk | undefined, openCounter: OpenCounter): WatchedDisk {
  const swaps = (disk?.swaps ?? []).flatMap((it) => openCounter(it) ?? []);
  const opened: WatchedDisk = {
    name,
    counters: countersOf(disk?.paths ?? [name], openCounter),
    swaps,
    before: undefined,
    swapsBefore: swaps.map(() => 0),
  };
  // Once in vain: so that nothing is compiled in the window.
  readBefore(opened, countBeforeBarrier);
  opened.before = undefined;
  readBefore(opened, countAtBarrier);
  hasChanged(opened);
  opened.before = undefined;
  return opened;
}

/** A write takes any of the paths, so nothing is known if one of them is not counted. */
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

/**
 * What is under way counts as if it had completed: nobody has been told of it yet, so a disk with it and one without
 * it both show the instant; if nothing is under way in the end and no more has completed, nothing was added. (The
 * kernel tells a freeze that its last writes have ended a moment before it counts them.)
 */
function countAtBarrier(counter: CountedWrites): number {
  const writing = counter.read();
  return counter.completed + writing;
}

/** So often something that is not counted yet is looked at again; each look takes some microseconds. */
const MAX_LOOKS = 10;

/**
 * Before the instant what is under way must not end any more: whoever waits for it could go on to another disk, whose
 * snapshot then shows what this one's does not.
 */
function countBeforeBarrier(counter: CountedWrites): number {
  for (let looks = 1; counter.read() > 0 && looks < MAX_LOOKS; ) {
    looks += 1;
  }
  return counter.completed;
}

/** The disk before its swaps, and afterwards the other way round: what they account for lies inside the disk's span. */
function readBefore(disk: WatchedDisk, count: (counter: CountedWrites) => number): void {
  const { counters, swaps, swapsBefore } = disk;
  if (disk.before !== undefined) {
    return;
  }
  disk.before = 0;
  for (const counter of counters) {
    disk.before += count(counter);
  }
  for (const [index, swap] of swaps.entries()) {
    swapsBefore[index] = count(swap);
  }
}

function hasChanged({ counters, before, swaps, swapsBefore }: WatchedDisk): boolean {
  if (before === undefined) {
    return false;
  }
  let swapped = 0;
  let swapping = 0;
  for (const [index, swap] of swaps.entries()) {
    swapping += swap.read();
    swapped += swap.completed - (swapsBefore[index] ?? 0);
  }
  let completed = 0;
  let writing = 0;
  for (const counter of counters) {
    writing += counter.read();
    completed += counter.completed;
  }
  return counters.length > 0 && (completed - before !== swapped || writing > swapping);
}
