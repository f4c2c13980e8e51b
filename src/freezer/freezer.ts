import { FlashfreezeError } from '../errors.ts';
import type { FreezerEvent, FreezerListener } from './model.ts';
import {
  errnoName,
  loadAddon,
  type NativeFreezer,
  RECORD_FIELDS,
  systemCallFailure,
} from './native.ts';
import { superblocksOf } from './superblock.ts';

/** What `Symbol.asyncDispose` waits for file systems whose thaw does not return. */
export const DISPOSE_LIMIT_MS = 5000;

/** Most events that can wait at once: synced, frozen, thawed of each, expired, guardian lost. */
const recordCount = (fileSystems: number): number => 3 * fileSystems + 2;

/**
 * Freezes and thaws a set of file systems on native threads, a pair of threads for each. Methods
 * start something and return at once; what happened comes to the listener, stamped by the thread
 * that made the system call. Everything is opened and started by `open`, so that nothing but the
 * system calls themselves happens in the window.
 *
 * A call in a wrong state (freezing what is frozen, freezing without an armed deadline) throws
 * `FF_INTERNAL` and changes nothing.
 */
export class Freezer implements AsyncDisposable {
  /** `major:minor` of the superblock behind each mount point, as mountinfo shows it. */
  readonly deviceNumbers: readonly string[];
  readonly #native: NativeFreezer;
  readonly #records: BigInt64Array;
  readonly #listener: FreezerListener;
  #armed = false;
  /** syncfs and freezes asked for and not yet answered. */
  #outstanding = 0;
  readonly #freezing = new Set<number>();
  readonly #frozen = new Set<number>();
  #settled = Promise.withResolvers<void>();
  #closed = false;

  /** Throws `FF_MOUNT_OPEN` naming the path and errno, `FF_ADDON_MISSING`. */
  static open(mountPoints: readonly string[], listener: FreezerListener): Freezer {
    return new Freezer(mountPoints, listener);
  }

  private constructor(mountPoints: readonly string[], listener: FreezerListener) {
    const { Freezer: Native } = loadAddon();
    this.#listener = listener;
    this.#records = new BigInt64Array(recordCount(mountPoints.length) * RECORD_FIELDS);
    try {
      this.#native = new Native(mountPoints, () => this.#drain(), this.#records);
    } catch (error) {
      throw openError(error);
    }
    this.deviceNumbers = superblocksOf(this.#native.descriptors());
  }

  /** Writes dirty data back, all at once; `synced` for each. */
  syncfs(indexes: readonly number[]): void {
    this.#attempt(() => this.#native.syncfs(indexes));
    this.#expect(indexes.length);
  }

  /**
   * Freezes all at once, woken in the order given; `frozen` or `freeze-failed` for each
   * (`ECANCELED`: called off by a thaw or the deadline before it began). Needs an armed deadline.
   */
  freeze(indexes: readonly number[]): void {
    this.#attempt(() => this.#native.freeze(indexes));
    for (const index of indexes) {
      this.#freezing.add(index);
    }
    this.#expect(indexes.length);
  }

  /**
   * Thaws what is frozen by this freezer or will be when its FIFREEZE returns; `thawed` once for each
   * `frozen`. Nothing happens to the others. May be repeated.
   */
  thaw(indexes: readonly number[]): void {
    this.#attempt(() => this.#native.thaw(indexes));
  }

  /** Makes RCU grace periods short. False where the machine does not let us: all works, slower. */
  expedite(): boolean {
    return this.#native.expedite();
  }

  /** Puts the former value back. May be repeated; the deadline and the clean-up do it too. */
  restoreGracePeriods(): void {
    this.#native.restoreGracePeriods();
  }

  /**
   * Sets or moves the deadline (CLOCK_MONOTONIC, as `process.hrtime.bigint()`). When it passes,
   * native threads thaw everything, whatever the event loop does, and `expired` is told; after that
   * nothing can be frozen until armed anew.
   */
  arm(deadlineNs: bigint): void {
    this.#attempt(() => this.#native.arm(deadlineNs));
    this.#armed = true;
    this.#keepAliveWhileNeeded();
  }

  /** Only when settled. */
  disarm(): void {
    this.#attempt(() => this.#native.disarm());
    this.#armed = false;
    this.#keepAliveWhileNeeded();
  }

  /** Nothing is frozen or being frozen, as far as the listener has been told. */
  isSettled(): boolean {
    return this.#freezing.size === 0 && this.#frozen.size === 0;
  }

  /** Thaws what is frozen, restores the grace periods, waits for what can end, closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) {
      return;
    }
    this.#native.thawEverything();
    this.#native.restoreGracePeriods();
    await this.#settledWithin(DISPOSE_LIMIT_MS);
    this.#closed = true;
    this.#native.close();
  }

  async #settledWithin(limitMs: number): Promise<void> {
    if (this.isSettled()) {
      return;
    }
    this.#settled = Promise.withResolvers();
    const timer = setTimeout(this.#settled.resolve, limitMs);
    await this.#settled.promise;
    clearTimeout(timer);
  }

  #attempt(call: () => void): void {
    try {
      call();
    } catch (error) {
      throw internalError(error);
    }
  }

  #expect(events: number): void {
    this.#outstanding += events;
    this.#keepAliveWhileNeeded();
  }

  #keepAliveWhileNeeded(): void {
    this.#native.keepAlive(this.#armed || this.#outstanding > 0 || !this.isSettled());
  }

  #drain(): void {
    const count = this.#native.drain();
    const events = Array.from({ length: count }, (_, position) =>
      toEvent(this.#records, position * RECORD_FIELDS),
    );
    for (const event of events) {
      this.#account(event);
    }
    this.#keepAliveWhileNeeded();
    if (this.isSettled()) {
      this.#settled.resolve();
    }
    for (const event of events) {
      this.#listener(event);
    }
  }

  #account(event: FreezerEvent): void {
    switch (event.kind) {
      case 'frozen':
        this.#frozen.add(event.fileSystem);
        this.#freezing.delete(event.fileSystem);
        this.#outstanding -= 1;
        break;
      case 'freeze-failed':
        this.#freezing.delete(event.fileSystem);
        this.#outstanding -= 1;
        break;
      case 'synced':
        this.#outstanding -= 1;
        break;
      case 'thawed':
        this.#frozen.delete(event.fileSystem);
        break;
      case 'expired':
        this.#armed = false;
        break;
    }
  }
}

/** The numbers are those of `EventKind` in native/completions.h. */
function toEvent(records: BigInt64Array, at: number): FreezerEvent {
  const field = (offset: number): bigint => records[at + offset] ?? 0n;
  const fileSystem = Number(field(1));
  const errno = Number(field(2));
  const stamps = { startNs: field(4), endNs: field(5) };
  switch (Number(field(0))) {
    case 0:
      return { kind: 'frozen', fileSystem, ...stamps };
    case 1:
      return { kind: 'freeze-failed', fileSystem, errno: errnoName(errno), ...stamps };
    case 2:
      return { kind: 'thawed', fileSystem, wasFrozen: field(3) === 1n, ...stamps };
    case 3:
      return { kind: 'thaw-failed', fileSystem, errno: errnoName(errno), ...stamps };
    case 4:
      return {
        kind: 'synced',
        fileSystem,
        errno: errno === 0 ? undefined : errnoName(errno),
        ...stamps,
      };
    default:
      return { kind: 'expired', atNs: stamps.endNs };
  }
}

function openError(error: unknown): Error {
  const systemCall = systemCallFailure(error);
  if (systemCall?.syscall !== 'open') {
    return internalError(error);
  }
  return new FlashfreezeError(
    'FF_MOUNT_OPEN',
    `cannot open the mount point "${systemCall.path ?? ''}": ${systemCall.errno}; expected a directory that is mounted and readable by root`,
    { systemCall },
  );
}

function internalError(error: unknown): FlashfreezeError {
  const systemCall = systemCallFailure(error);
  const reason = error instanceof Error ? error.message : String(error);
  return new FlashfreezeError('FF_INTERNAL', `freezer: ${reason}`, systemCall && { systemCall });
}
