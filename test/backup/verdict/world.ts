import type { CountedWrites } from '../../../src/filesystems/write-counters.ts';
import type { Machine, MachineDisk, Write } from './machine.ts';

/** A write as it happens: begun, held by the disk from `appliedAt` on, counted as completed from `endsAt` on. */
interface HappeningWrite {
  readonly beginsAt: number;
  readonly appliedAt: number;
  readonly endsAt: number;
}

/** Since when a file system is frozen, and from when on it writes again. */
export interface Hold {
  readonly from: number;
  until: number | undefined;
}

/** Writers blocked by a freeze all begin within so long after it. */
const RUSH = 7;

/**
 * The disks of a machine with everything that is written to them, and its clock. Time passes from event to event,
 * and a little with every look at the clock or at a counter, so that no two looks are at the same time.
 */
export class World {
  readonly #machine: Machine;
  readonly #holds: ReadonlyMap<number, Hold>;
  readonly #queue: { readonly at: number; readonly happens: () => void }[] = [];
  now = 0;

  /** @param holds of frozen file systems, by their index in the machine; to be kept up to date */
  constructor(machine: Machine, holds: ReadonlyMap<number, Hold>) {
    this.#machine = machine;
    this.#holds = holds;
  }

  at(time: number, happens: () => void): void {
    this.#queue.push({ at: Math.max(time, this.now), happens });
  }

  /** Until nothing is to happen any more. */
  run(): void {
    while (this.#queue.length > 0) {
      const next = this.#queue.reduce((first, it) => (it.at < first.at ? it : first));
      this.#queue.splice(this.#queue.indexOf(next), 1);
      this.now = Math.max(this.now, next.at);
      next.happens();
    }
  }

  tick(): number {
    this.now += 1;
    return this.now;
  }

  /** Of a path to a disk, or of the swap partition on one. */
  openCounter(name: string): CountedWrites | undefined {
    const disk = this.#machine.disks.find(
      (it) => pathsOf(it).includes(name) || name === swapOf(it.name),
    );
    if (disk === undefined || !disk.isCounted) {
      return undefined;
    }
    const paths = pathsOf(disk);
    const path = paths.indexOf(name);
    const isCounted = ({ beginsAt }: HappeningWrite): boolean =>
      path === -1 || beginsAt % paths.length === path;
    const written = (): HappeningWrite[] => [
      ...disk.swap.map(happening).filter(isCounted),
      ...(path === -1 ? [] : this.#contentOf(disk.name).filter(isCounted)),
    ];
    return new Counter(written, this);
  }

  /**
   * Whether the content of a disk at `time` is possible after a power cut at `instant`: it has every write that had
   * ended by then, and none that had not begun. A write in flight may be in it or not, because no program had seen it
   * complete. Swapped data is not content.
   */
  isContentOf(disk: string, time: number, instant: number): boolean {
    return this.#contentOf(disk).every(({ beginsAt, appliedAt, endsAt }) => {
      const isIn = appliedAt <= time;
      return isIn ? beginsAt <= instant : endsAt > instant;
    });
  }

  #contentOf(name: string): HappeningWrite[] {
    const raw = this.#machine.disks.find((it) => it.name === name)?.raw ?? [];
    const ofFileSystems = this.#machine.fileSystems.flatMap(({ writes }, index) =>
      writes
        .filter(({ disk }) => disk === name)
        .flatMap((write) => underHold(write, this.#holds.get(index))),
    );
    return [...raw.map(happening), ...ofFileSystems];
  }
}

/** Kernel names of the devices that lead to a disk. */
export function pathsOf({ name, isMultipath }: MachineDisk): string[] {
  return isMultipath ? [`${name}-path0`, `${name}-path1`] : [name];
}

export function swapOf(disk: string): string {
  return `${disk}9`;
}

class Counter implements CountedWrites {
  readonly #written: () => readonly HappeningWrite[];
  readonly #world: World;
  completed = 0;
  get sectors(): number {
    return this.completed * 8;
  }
  readonly discarded = 0;
  readonly isLost = false;
  readonly isCounting = false;

  constructor(written: () => readonly HappeningWrite[], world: World) {
    this.#written = written;
    this.#world = world;
  }

  read(): number {
    const now = this.#world.tick();
    const begun = this.#written().filter(({ beginsAt }) => beginsAt <= now);
    this.completed = begun.filter(({ endsAt }) => endsAt <= now).length;
    return begun.length - this.completed;
  }

  [Symbol.dispose](): void {}
}

function happening({ at, length, appliedAt }: Write): HappeningWrite {
  return {
    beginsAt: at,
    appliedAt: at + Math.max(1, Math.round((length * appliedAt) / 100)),
    endsAt: at + length,
  };
}

/** A freeze waits for what is under way, and lets nothing begin until the thaw. */
function underHold(write: Write, hold: Hold | undefined): HappeningWrite[] {
  if (hold === undefined || (hold.until !== undefined && write.at >= hold.until)) {
    return [happening(write)];
  }
  if (write.at < hold.from) {
    const length = Math.min(write.length, hold.from - write.at);
    return [happening({ ...write, length })];
  }
  return hold.until === undefined
    ? []
    : [happening({ ...write, at: hold.until + (write.at % RUSH) })];
}
