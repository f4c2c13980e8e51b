import { readFileSync } from 'node:fs';
import type { Disk } from '../filesystems/plan-types.ts';
import {
  BLOCK_DEVICES,
  type CountedWrites,
  namesIn,
  partitionsOf,
} from '../filesystems/write-counters.ts';

/**
 * md writes to the members of an array on its own account: within a fifth of a second after the last write it marks the
 * array clean, and later it clears bits of the write-intent bitmap. A restored array takes members whose marks differ by one
 * event, and nothing else of a member changes. So few writes need that.
 */
const MOST_MARKS = 16;

/** A volume counts a write a moment after the disk below it: that is waited for. */
const MAX_LOOKS = 20;

/** Devices whose writes show whether those to the disk below them were md's own. */
export interface MarkedDevices {
  /** Arrays, devices that are in none of them, and what holds the data of LVM RAID volumes: nothing may be written there. */
  readonly quiet: readonly string[];
  /**
   * What the marks are written through: partitions and volumes that are in an array, or are for marks only. Empty if md
   * writes to the disk itself: then its marks cannot be told from what a program writes there.
   */
  readonly through: readonly string[];
}

/**
 * The md arrays over one disk on which nothing but frozen file systems lies. If nothing was written through them, nor to
 * devices on the disk that are in none of them, what was written to the disk was md's own, unless it is more than what
 * came through the devices that md writes to: LVM puts its metadata on the disk beside its volumes, fdisk the partition table.
 */
export class ArrayWrites implements Disposable {
  /** Empty if what md writes cannot be told from other writes. */
  readonly #quiet: readonly CountedWrites[];
  readonly #quietBefore: number[];
  readonly #through: readonly CountedWrites[];
  #throughBefore = 0;

  private constructor(quiet: readonly CountedWrites[], through: readonly CountedWrites[]) {
    this.#quiet = quiet;
    this.#quietBefore = quiet.map(() => 0);
    this.#through = through;
  }

  /** @param isMoving whether md moves the data of an array, which changes far more than marks */
  static open(
    arrays: readonly string[],
    { quiet, through }: MarkedDevices,
    openCounter: (name: string) => CountedWrites | undefined,
    isMoving: (name: string) => boolean = movesData,
  ): ArrayWrites {
    if (arrays.some(isMoving)) {
      return new ArrayWrites([], []);
    }
    const counters = (names: readonly string[]): CountedWrites[] =>
      names.flatMap((name) => openCounter(name) ?? []);
    const opened = new ArrayWrites(counters(quiet), counters(through));
    if (opened.#quiet.length < quiet.length || opened.#through.length < through.length) {
      opened[Symbol.dispose]();
      return new ArrayWrites([], []);
    }
    const isCounting = through.length === 0 || opened.#through.some(hasCounted);
    return isCounting ? opened : opened.#withoutThrough();
  }

  #withoutThrough(): ArrayWrites {
    for (const counter of this.#through) {
      counter[Symbol.dispose]();
    }
    return new ArrayWrites(this.#quiet, []);
  }

  /** To be called before the disk's own counter is read. */
  readBefore(): void {
    for (const [index, counter] of this.#quiet.entries()) {
      this.#quietBefore[index] = counter.read() + counter.sectors + counter.discarded;
    }
    this.#throughBefore = 0;
    for (const counter of this.#through) {
      counter.read();
      this.#throughBefore += counter.sectors;
    }
  }

  /**
   * Whether so many writes of so many sectors to the disk are md's own; to be called after the disk's counter has been read
   * again.
   */
  explain(writes: number, sectors: number): boolean {
    let isQuiet = this.#quiet.length > 0 && writes > 0 && writes <= MOST_MARKS;
    for (const [index, counter] of this.#quiet.entries()) {
      const writing = counter.read();
      const all = counter.sectors + counter.discarded;
      isQuiet = isQuiet && writing === 0 && !counter.isLost && all === this.#quietBefore[index];
    }
    return isQuiet && (this.#through.length === 0 || sectors <= this.#cameThrough());
  }

  #cameThrough(): number {
    let sectors = -this.#throughBefore;
    for (const counter of this.#through) {
      for (let looks = 1; counter.read() > 0 && looks < MAX_LOOKS; ) {
        looks += 1;
      }
      sectors += counter.isLost ? Number.NEGATIVE_INFINITY : counter.sectors;
    }
    return sectors;
  }

  [Symbol.dispose](): void {
    for (const counter of [...this.#quiet, ...this.#through]) {
      counter[Symbol.dispose]();
    }
  }
}

/**
 * md has written to the devices of a running array. If all their counters are at 0, none is kept: of partitions under native
 * NVMe multipath the kernel counts nothing.
 */
function hasCounted(counter: CountedWrites): boolean {
  counter.read();
  return counter.completed > 0;
}

/** The arrays over a disk of frozen file systems. @param disk undefined if nothing more than its name is known */
export function arraysOver(
  name: string,
  disk: Disk | undefined,
  openCounter: (name: string) => CountedWrites | undefined,
  directory: string = BLOCK_DEVICES,
): ArrayWrites {
  const { arrays = [], paths = [name], swaps = [] } = disk ?? {};
  const { quiet, through } = markedDevices(paths, arrays, directory);
  // What is swapped is counted by itself, but the disk's sectors have it, too.
  const others = quiet.filter((it) => !arrays.includes(it) && !swaps.includes(it));
  const swapped = through.length === 0 ? [] : swaps.filter((it) => !through.includes(it));
  const devices = { quiet: [...arrays, ...others], through: [...through, ...swapped] };
  return ArrayWrites.open(arrays, devices, openCounter);
}

/**
 * The devices over a disk that show whether writes to it are md's own. None if md writes no marks to that disk.
 *
 * An LVM RAID volume is an array without a device of md's: its marks go to volumes of their own, `<name>_rmeta_<n>`, and data,
 * also what a resync or reshape moves, to `<name>_rimage_<n>`.
 *
 * @param paths kernel names of the disk
 * @param directory /sys/class/block
 */
export function markedDevices(
  paths: readonly string[],
  arrays: readonly string[],
  directory: string = BLOCK_DEVICES,
): MarkedDevices {
  const over = once((name) => devicesOver(name, directory));
  const isArray = (name: string): boolean => arrays.includes(name);
  const isForMarks = once((name) => /_rmeta_\d+$/.test(volumeName(name, directory)));
  const hasMarks = (name: string): boolean =>
    isArray(name) || isForMarks(name) || over(name).some(hasMarks);
  const quietIn = (name: string): string[] => {
    if (isForMarks(name)) {
      return [];
    }
    return isArray(name) || !hasMarks(name) ? [name] : over(name).flatMap(quietIn);
  };
  const throughIn = (name: string): string[] =>
    isForMarks(name) || over(name).some(isArray)
      ? [name]
      : over(name).filter(hasMarks).flatMap(throughIn);
  const marked = paths.filter(hasMarks);
  const through = [...new Set(marked.flatMap(throughIn))];
  return {
    quiet: [...new Set(marked.flatMap(quietIn))],
    through: through.some((it) => paths.includes(it)) ? [] : through,
  };
}

/** Asks nothing twice, because this is done right before a freeze. */
function once<Answer>(ask: (name: string) => Answer): (name: string) => Answer {
  const known = new Map<string, Answer>();
  return (name) => {
    const answer = known.get(name) ?? ask(name);
    known.set(name, answer);
    return answer;
  };
}

/** Partitions of a device, and what holds it. */
function devicesOver(name: string, directory: string): string[] {
  return [...partitionsOf(name, directory), ...namesIn(`${directory}/${name}/holders`)];
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
