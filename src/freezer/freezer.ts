import { FlashfreezeError } from '../errors.ts';
import { recordsFor, toEvents } from './events.ts';
import type { FreezerEvent, FreezerListener } from './model.ts';
import {
  loadAddon,
  type NativeDescriptors,
  type NativeFreezer,
  type NativeLastLever,
  systemCallFailure,
} from './native.ts';
import { superblocksOf } from './superblock.ts';

/** What `Symbol.asyncDispose` waits for file systems whose thaw does not return. */
export const DISPOSE_LIMIT_MS = 5000;

/**
 * What only the guardian may do with a freezer: nothing is frozen but behind it. See `Guardian.start`
 * and `Guardian.arm`. The last lever is prepared with it, see `LastLever.prepare`.
 */
export interface FreezerControls {
  descriptors(): NativeDescriptors;
  watchGuardian(): number;
  guardianStarted(): void;
  guardianReleased(): void;
  useLastLever(lever: NativeLastLever): void;
  /** Sets or moves the native deadline. */
  arm(deadlineNs: bigint): void;
  disarm(): void;
  freeze(indexes: readonly number[]): void;
  /** Thaws everything; resolves when settled, or after `DISPOSE_LIMIT_MS`. */
  settle(): Promise<void>;
}

let controlsOf: (freezer: Freezer) => FreezerControls;

/** For guardian.ts and last-lever.ts alone. */
export function freezerControls(freezer: Freezer): FreezerControls {
  return controlsOf(freezer);
}

/**
 * Freezes and thaws a set of file systems on native threads, a pair of threads for each. Methods
 * start something and return at once; what happened comes to the listener, stamped by the thread
 * that made the system call. Everything is opened and started by `open`, so that nothing but the
 * system calls themselves happens in the window.
 *
 * It cannot freeze: that takes a guardian (`Guardian.start(freezer)`, then `guardian.arm(deadlineNs)`).
 * A call in a wrong state throws `FF_INTERNAL` and changes nothing.
 */
export class Freezer implements AsyncDisposable {
  /** `major:minor` of the superblock behind each mount point, as mountinfo shows it. */
  readonly deviceNumbers: readonly string[];
  readonly #native: NativeFreezer;
  readonly #records: BigInt64Array;
  readonly #listener: FreezerListener;
  readonly #controls: FreezerControls;
  #armed = false;
  /** syncfs and freezes asked for and not yet answered. */
  #outstanding = 0;
  readonly #freezing = new Set<number>();
  readonly #frozen = new Set<number>();
  #settled = Promise.withResolvers<void>();
  #closed = false;

  static {
    controlsOf = (freezer) => freezer.#controls;
  }

  /** Throws `FF_MOUNT_OPEN` naming the path and errno, `FF_ADDON_MISSING`. */
  static open(mountPoints: readonly string[], listener: FreezerListener): Freezer {
    return new Freezer(mountPoints, listener);
  }

  private constructor(mountPoints: readonly string[], listener: FreezerListener) {
    const { Freezer: Native } = loadAddon();
    this.#listener = listener;
    this.#records = recordsFor(mountPoints.length);
    try {
      this.#native = new Native(mountPoints, () => this.#drain(), this.#records);
    } catch (error) {
      throw openError(error);
    }
    this.deviceNumbers = superblocksOf(this.#native.descriptors().directories);
    this.#controls = this.#makeControls();
  }

  /** For each file system, the id of the thread that calls FIFREEZE; it is one of this process's. */
  freezingThreads(): readonly number[] {
    return this.#native.freezingThreads();
  }

  /** Writes dirty data back, all at once; `synced` for each. */
  syncfs(indexes: readonly number[]): void {
    this.#attempt(() => this.#native.syncfs(indexes));
    this.#expect(indexes.length);
  }

  /**
   * Thaws what is frozen by this freezer or will be when its FIFREEZE returns; `thawed` once for each
   * `frozen`. Nothing happens to the others. May be repeated.
   */
  thaw(indexes: readonly number[]): void {
    this.#attempt(() => this.#native.thaw(indexes));
  }

  /**
   * Thaws whoever froze them: for an operator's order, and for what a dead run left. `thawed` or
   * `thaw-failed` for each. Undoes the freeze of another tool, if there is one.
   */
  thawAnyones(indexes: readonly number[]): void {
    this.#attempt(() => this.#native.thawAnyones(indexes));
  }

  /** Makes RCU grace periods short. False where the machine does not let us: all works, slower. */
  expedite(): boolean {
    return this.#native.expedite();
  }

  /** Puts the former value back. May be repeated; the deadline and the clean-up do it too. */
  restoreGracePeriods(): void {
    this.#native.restoreGracePeriods();
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
    await this.#settle();
    this.#closed = true;
    this.#native.close();
  }

  #makeControls(): FreezerControls {
    const native = this.#native;
    return {
      descriptors: () => native.descriptors(),
      watchGuardian: () => this.#attempt(() => native.watchGuardian()),
      guardianStarted: () => native.guardianStarted(),
      guardianReleased: () => this.#attempt(() => native.guardianReleased()),
      useLastLever: (lever) => native.useLastLever(lever),
      arm: (deadlineNs) => this.#setArmed(true, () => native.arm(deadlineNs)),
      disarm: () => this.#setArmed(false, () => native.disarm()),
      freeze: (indexes) => this.#freeze(indexes),
      settle: () => this.#settle(),
    };
  }

  #freeze(indexes: readonly number[]): void {
    this.#attempt(() => this.#native.freeze(indexes));
    for (const index of indexes) {
      this.#freezing.add(index);
    }
    this.#expect(indexes.length);
  }

  #setArmed(armed: boolean, call: () => void): void {
    this.#attempt(call);
    this.#armed = armed;
    this.#keepAliveWhileNeeded();
  }

  async #settle(): Promise<void> {
    this.#native.thawEverything();
    this.#native.restoreGracePeriods();
    await this.#settledWithin(DISPOSE_LIMIT_MS);
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

  #attempt<Result>(call: () => Result): Result {
    try {
      return call();
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
    const events = toEvents(this.#records, this.#native.drain());
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
      case 'guardian-lost':
        this.#armed = false;
        break;
    }
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
