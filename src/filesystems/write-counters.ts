import { closeSync, existsSync, openSync, readFileSync, readSync, realpathSync } from 'node:fs';

/** Fields of `/sys/block/<disk>/stat`, from 0: Documentation/block/stat.rst of the kernel. */
const WRITES_COMPLETED = 4;
const SECTORS_WRITTEN = 6;
const IN_FLIGHT = 8;
/** Since Linux 4.18. */
const DISCARDS_COMPLETED = 11;
/** What is behind them is not read. */
const FIELDS = 12;

const SPACE = 0x20;
const ZERO = 0x30;
/** Seventeen numbers of 20 digits at most. */
const LONGEST_LINE = 512;

/** On a busy disk something may complete between any two readings; a figure that is too low is only too strict. */
const MAX_LOOKS = 4;

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
 * open all the time: reading asks no disk, opens nothing, and allocates nothing but what Node does.
 */
export class WriteCounter implements CountedWrites {
  readonly #stat: number;
  readonly #inFlight: number;
  readonly #line = Buffer.alloc(LONGEST_LINE);
  readonly #fields = new Float64Array(FIELDS);
  #reads = 0;
  #writes = 0;
  completed = 0;
  sectors = 0;
  discarded = 0;
  isLost = false;
  isCounting = false;

  private constructor(stat: number, inFlight: number) {
    this.#stat = stat;
    this.#inFlight = inFlight;
  }

  /**
   * @param name kernel name of a disk or partition
   * @returns undefined if it shows no counters, or the kernel does not keep them for it
   */
  static open(name: string, directory: string = BLOCK_DEVICES): WriteCounter | undefined {
    const path = `${directory}/${name}`;
    try {
      if (!isCounted(path)) {
        return undefined;
      }
      const stat = openSync(`${path}/stat`, 'r');
      try {
        return new WriteCounter(stat, openSync(`${path}/inflight`, 'r'));
      } catch {
        closeSync(stat);
        return undefined;
      }
    } catch {
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
      if (this.#readStat() === 0) {
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

  /** `inflight` has two numbers, reads and writes: of requests that the driver has. */
  #readInFlight(): void {
    const fields = this.#readFields(this.#inFlight);
    this.#reads = fields[0] ?? 0;
    this.#writes = fields[1] ?? 0;
  }

  #readFields(descriptor: number): Float64Array {
    const length = readSync(descriptor, this.#line, 0, LONGEST_LINE, 0);
    parseFields(this.#line, length, this.#fields);
    return this.#fields;
  }

  [Symbol.dispose](): void {
    closeSync(this.#stat);
    closeSync(this.#inFlight);
  }
}

/**
 * Reads the numbers of a line; those that it does not have become 0. Each byte is looked at once, because this runs between
 * the barrier and the requests, where V8 does not optimize.
 */
function parseFields(line: Uint8Array, length: number, fields: Float64Array): void {
  fields.fill(0);
  let field = 0;
  let value = -1;
  for (let at = 0; at < length; at += 1) {
    const digit = (line[at] ?? SPACE) - ZERO;
    if (digit >= 0) {
      value = value < 0 ? digit : value * 10 + digit;
    } else if (value >= 0) {
      fields[field] = value;
      field += 1;
      if (field === FIELDS) {
        return;
      }
      value = -1;
    }
  }
  if (value >= 0) {
    fields[field] = value;
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
