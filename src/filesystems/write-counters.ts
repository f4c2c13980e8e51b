import { closeSync, existsSync, openSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { release } from 'node:os';
import { isOlderThan } from '../system/kernel-version.ts';
import { loadAddon } from '../system/native.ts';

/** Fields of `/sys/block/<disk>/stat`, from 0: Documentation/block/stat.rst of the kernel. */
const WRITES_COMPLETED = 4;
const SECTORS_WRITTEN = 6;
const IN_FLIGHT = 8;
/** Since Linux 4.18. */
const DISCARDS_COMPLETED = 11;
/** What is behind them is not read. */
const FIELDS = 12;

/** On a busy disk something may complete between any two readings; a figure that is too low is only too strict. */
const MAX_LOOKS = 4;

/**
 * Before this version, what is under way to a partition does not show on its disk, in neither file (kernel commit b0d97557ebfc,
 * "block: fix inflight statistics of part0").
 */
const PARTITIONS_IN_FLIGHT = [5, 11] as const;

/**
 * Before this version, `stat` adds up what has completed before it looks at what is under way: a write that ends in between
 * is in neither figure (kernel commit 86d7331299fd).
 */
const EXACT_STAT = [5, 17] as const;

/** Where block devices show their counters. */
export const BLOCK_DEVICES = '/sys/class/block';

/** The writes to one block device, as they are counted. */
export interface CountedWrites extends Disposable {
  /** Completed writes at the last `read`, without discards. */
  readonly completed: number;
  /**
   * Sectors that were written, at the last `read`. A flush counts as a write without sectors: sync(1) of anyone sends one to
   * the disk of each mounted ext4, frozen or not.
   */
  readonly sectors: number;
  /** Completed discards at the last `read`. */
  readonly discarded: number;
  /** It could not be read any more, because the device is gone. */
  readonly isLost: boolean;
  /**
   * At the last `read` no request was with the driver, but some were not counted as completed: writes whose end the
   * kernel is just counting, or requests that wait for the driver.
   */
  readonly isCounting: boolean;
  /**
   * Reads the counters into `completed` and `discarded`. Never throws.
   *
   * @returns how many writes and discards are under way
   */
  read(): number;
}

/**
 * How many writes one block device has completed, and whether some are under way, read from descriptors that are
 * open all the time: reading asks no disk, opens nothing, and allocates nothing.
 */
export class WriteCounter implements CountedWrites {
  readonly #stat: number;
  /** Of the device, and then of its partitions if the kernel does not count theirs for it. */
  readonly #inFlight: readonly number[];
  /** Whether one line of `stat` shows all of one moment. */
  readonly #isExact: boolean;
  readonly #fields = new Float64Array(FIELDS);
  readonly #readNumbers = loadAddon().readNumbers;
  #reads = 0;
  #writes = 0;
  completed = 0;
  sectors = 0;
  discarded = 0;
  isLost = false;
  isCounting = false;

  private constructor(stat: number, inFlight: readonly number[], isExact: boolean) {
    this.#stat = stat;
    this.#inFlight = inFlight;
    this.#isExact = isExact;
  }

  /**
   * @param name kernel name of a disk or partition
   * @param kernel its release, as of uname(2)
   * @returns undefined if it shows no counters, or the kernel does not keep them for it
   */
  static open(
    name: string,
    directory: string = BLOCK_DEVICES,
    kernel: string = release(),
  ): WriteCounter | undefined {
    const opened: number[] = [];
    const open = (path: string): number => {
      const descriptor = openSync(path, 'r');
      opened.push(descriptor);
      return descriptor;
    };
    try {
      const path = `${directory}/${name}`;
      if (!isCounted(path)) {
        return undefined;
      }
      const stat = open(`${path}/stat`);
      const devices = isOlderThan(kernel, ...PARTITIONS_IN_FLIGHT)
        ? [path, ...partitionsOf(name, directory).map((it) => `${path}/${it}`)]
        : [path];
      const inFlight = devices.map((device) => open(`${device}/inflight`));
      return new WriteCounter(stat, inFlight, !isOlderThan(kernel, ...EXACT_STAT));
    } catch {
      closeAll(opened);
      return undefined;
    }
  }

  read(): number {
    try {
      return this.#read();
    } catch {
      this.isLost = true;
      return 0;
    }
  }

  /**
   * What is under way is read after what has completed, so that nothing is in both; if something completed between
   * the two readings, both are read again.
   */
  #read(): number {
    for (let looks = 1; ; looks += 1) {
      // That figure counts reads, too; only if it is not 0 it is worth a second look.
      if (this.#readStat() === 0 && this.#isExact) {
        this.isCounting = false;
        return 0;
      }
      const { completed, sectors, discarded } = this;
      this.#readInFlight();
      const unfinished = this.#readStat();
      const isEqual = this.completed === completed && this.discarded === discarded;
      if (isEqual || looks === MAX_LOOKS) {
        this.completed = completed;
        this.sectors = sectors;
        this.discarded = discarded;
        this.isCounting = unfinished > 0 && this.#reads === 0 && this.#writes === 0;
        return this.#writes;
      }
    }
  }

  /** Returns how much is under way, reads and writes. */
  #readStat(): number {
    const fields = this.#readFields(this.#stat);
    this.completed = fields[WRITES_COMPLETED] ?? 0;
    this.sectors = fields[SECTORS_WRITTEN] ?? 0;
    this.discarded = fields[DISCARDS_COMPLETED] ?? 0;
    return fields[IN_FLIGHT] ?? 0;
  }

  /**
   * `inflight` has two numbers, reads and writes: of requests that the driver has. A kernel whose disks may or may not
   * count those of their partitions has at least as many as either shows.
   */
  #readInFlight(): void {
    const [device = -1, ...partitions] = this.#inFlight;
    const [ownReads = 0, ownWrites = 0] = this.#readFields(device);
    let reads = 0;
    let writes = 0;
    for (const partition of partitions) {
      const fields = this.#readFields(partition);
      reads += fields[0] ?? 0;
      writes += fields[1] ?? 0;
    }
    this.#reads = Math.max(ownReads, reads);
    this.#writes = Math.max(ownWrites, writes);
  }

  #readFields(descriptor: number): Float64Array {
    this.#readNumbers(descriptor, this.#fields);
    return this.#fields;
  }

  [Symbol.dispose](): void {
    closeAll([this.#stat, ...this.#inFlight]);
  }
}

function closeAll(descriptors: readonly number[]): void {
  for (const descriptor of descriptors) {
    closeSync(descriptor);
  }
}

/**
 * Kernel names of the partitions of a device.
 *
 * @param directory /sys/class/block
 */
export function partitionsOf(name: string, directory: string): string[] {
  const path = `${directory}/${name}`;
  // A partition has the name of its disk and a number; of the other twenty entries nothing has to be asked, right before a freeze.
  return namesIn(path).filter((it) => it.startsWith(name) && existsSync(`${path}/${it}/partition`));
}

/** Empty if there is no such folder. */
export function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/**
 * Counting can be switched off (`queue/iostats`), and before Linux 6.1 the kernel counted nothing for a namespace
 * under native NVMe multipath: then its counter stands at 0 for ever. Older kernels count md arrays (before Linux 5.14) and
 * volumes of device mapper (6.1 does) although they show the switch as off.
 */
function isCounted(path: string): boolean {
  if (['md', 'dm'].some((folder) => existsSync(`${path}/${folder}`))) {
    return !hasNeverWritten(path);
  }
  const isSwitchedOff = textOf(`${path}/queue/iostats`) === '0';
  return !isSwitchedOff && !(isMultipathNamespace(path) && hasNeverWritten(path));
}

function isMultipathNamespace(path: string): boolean {
  try {
    return realpathSync.native(`${path}/device`).includes('/nvme-subsystem/');
  } catch {
    return false;
  }
}

function hasNeverWritten(path: string): boolean {
  const fields = (textOf(`${path}/stat`) ?? '').split(/\s+/);
  return fields[WRITES_COMPLETED] === '0';
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
