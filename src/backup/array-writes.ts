import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Disk } from '../filesystems/plan-types.ts';
import { BLOCK_DEVICES, type CountedWrites } from '../filesystems/write-counters.ts';

/**
 * md writes to the members of an array on its own account: within a fifth of a second after the last write it marks the
 * array clean, and later it clears bits of the write-intent bitmap. A restored array takes members whose marks differ by one
 * event, and nothing else of a member changes. So few writes need that.
 */
const MOST_MARKS = 16;

/**
 * The md arrays over one disk on which nothing but frozen file systems lies. If nothing was written through them, nor to
 * devices on the disk that are in none of them, what was written to the disk was md's own.
 */
export class ArrayWrites implements Disposable {
  /** Empty if what md writes cannot be told from other writes. */
  readonly #counters: readonly CountedWrites[];
  readonly #before: number[];

  private constructor(counters: readonly CountedWrites[]) {
    this.#counters = counters;
    this.#before = counters.map(() => 0);
  }

  /**
   * @param others devices on the disk that are in no array, or hold the data of an LVM RAID volume
   * @param isMoving whether md moves the data of an array, which changes far more than marks
   */
  static open(
    arrays: readonly string[],
    others: readonly string[],
    openCounter: (name: string) => CountedWrites | undefined,
    isMoving: (name: string) => boolean = movesData,
  ): ArrayWrites {
    if (arrays.some(isMoving)) {
      return new ArrayWrites([]);
    }
    const names = [...arrays, ...others];
    const counters = names.flatMap((name) => openCounter(name) ?? []);
    const opened = new ArrayWrites(counters);
    if (counters.length === names.length) {
      return opened;
    }
    opened[Symbol.dispose]();
    return new ArrayWrites([]);
  }

  /** To be called before the disk's own counter is read. */
  readBefore(): void {
    for (const [index, counter] of this.#counters.entries()) {
      this.#before[index] = counter.read() + counter.sectors + counter.discarded;
    }
  }

  /** Whether so many writes to the disk are md's own; to be called after the disk's counter has been read again. */
  explain(writes: number): boolean {
    let isQuiet = this.#counters.length > 0 && writes > 0 && writes <= MOST_MARKS;
    for (const [index, counter] of this.#counters.entries()) {
      const writing = counter.read();
      const all = counter.sectors + counter.discarded;
      isQuiet = isQuiet && writing === 0 && !counter.isLost && all === this.#before[index];
    }
    return isQuiet;
  }

  [Symbol.dispose](): void {
    for (const counter of this.#counters) {
      counter[Symbol.dispose]();
    }
  }
}

/** The arrays over a disk of frozen file systems. @param disk undefined if nothing more than its name is known */
export function arraysOver(
  name: string,
  disk: Disk | undefined,
  openCounter: (name: string) => CountedWrites | undefined,
  directory: string = BLOCK_DEVICES,
): ArrayWrites {
  const { arrays = [], paths = [name], swaps = [] } = disk ?? {};
  const quiet = quietUnderMarks(paths, arrays, directory);
  // What is swapped is counted by itself.
  const others = quiet.filter((it) => !arrays.includes(it) && !swaps.includes(it));
  return ArrayWrites.open(arrays, others, openCounter);
}

/**
 * The devices over a disk through which nothing may have been written if writes to the disk are to be md's own: the
 * arrays, and whatever leads to no marks. Empty if md writes no marks to that disk.
 *
 * An LVM RAID volume is an array without a device of md's: its marks go to volumes of their own, `<name>_rmeta_<n>`, and data,
 * also what a resync or reshape moves, to `<name>_rimage_<n>`.
 *
 * @param paths kernel names of the disk
 * @param directory /sys/class/block
 */
export function quietUnderMarks(
  paths: readonly string[],
  arrays: readonly string[],
  directory: string = BLOCK_DEVICES,
): string[] {
  const isArray = (name: string): boolean => arrays.includes(name);
  const isForMarks = (name: string): boolean => /_rmeta_\d+$/.test(volumeName(name, directory));
  const hasMarks = (name: string): boolean =>
    isArray(name) || isForMarks(name) || devicesOver(name, directory).some(hasMarks);
  const quietIn = (name: string): string[] => {
    if (isForMarks(name)) {
      return [];
    }
    return isArray(name) || !hasMarks(name)
      ? [name]
      : devicesOver(name, directory).flatMap(quietIn);
  };
  return [...new Set(paths.filter(hasMarks).flatMap(quietIn))];
}

/** Partitions of a device, and what holds it. */
function devicesOver(name: string, directory: string): string[] {
  // A partition has the name of its disk and a number; of the other twenty entries nothing has to be asked, right before a freeze.
  const own = namesIn(`${directory}/${name}`).filter((it) => it.startsWith(name));
  const partitions = own.filter((it) => existsSync(`${directory}/${name}/${it}/partition`));
  return [...partitions, ...namesIn(`${directory}/${name}/holders`)];
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** What device mapper calls the device; empty if it is none of its. */
function volumeName(name: string, directory: string): string {
  if (!name.startsWith('dm-')) {
    return '';
  }
  try {
    return readFileSync(`${directory}/${name}/dm/name`, 'utf8').trim();
  } catch {
    return '';
  }
}

/** A check only reads. Kernels without `sync_action` for an array cannot resync or reshape it. */
function movesData(name: string): boolean {
  try {
    const action = readFileSync(`${BLOCK_DEVICES}/${name}/md/sync_action`, 'utf8').trim();
    return !['idle', 'frozen', 'check'].includes(action);
  } catch {
    return false;
  }
}
