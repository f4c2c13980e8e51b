import {
  loadAddon,
  type NativeDescriptors,
  type NativeFreezer,
  type NativeLastLever,
} from '../system/native.ts';
import { nativeError } from '../system/native-errors.ts';
import { recordsFor, toEvents } from './events.ts';
import { lookError, openError } from './freezer-errors.ts';
import type { FreezerEvent, FreezerListener } from './freezer-types.ts';
import { LedgerPlace } from './ledger-place.ts';
import { type OpenedMount, openedMounts } from './superblock.ts';
import { closeNative, thawAtExit } from './thaw-at-exit.ts';

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
  /** Thaws everything; resolves when nothing is frozen, or after `DISPOSE_LIMIT_MS`. */
  thawAll(): Promise<void>;
}

export interface FreezerOptions {
  /**
   * Where the ledger of what is frozen is made, so that `keepLedger` can give it a name there. Created
   * for root alone where it is missing; it has to be on a tmpfs, else the ledger is in memory only.
   */
  readonly ledgerDirectory?: string;
}

let controlsOf: (freezer: Freezer) => FreezerControls;

/** For guardian.ts and last-lever.ts alone. */
export function freezerControls(freezer: Freezer): FreezerControls {
  return controlsOf(freezer);
}

/**
 * Freezes and thaws a set of file systems on native threads, one for each. Methods
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
  /** mountinfo's id of the mount that was opened at each mount point. */
  readonly mountIds: readonly (number | undefined)[];
  readonly #native: NativeFreezer;
  readonly #ledgerPlace: LedgerPlace;
  readonly #records: BigInt64Array;
  readonly #listener: FreezerListener;
  readonly #controls: FreezerControls;
  #armed = false;
  /** syncfs and freezes asked for and not yet answered. */
  #outstanding = 0;
  readonly #freezing = new Set<number>();
  readonly #frozen = new Set<number>();
  #thawed = Promise.withResolvers<void>();
  #closed = false;

  static {
    controlsOf = (freezer) => freezer.#controls;
  }

  /**
   * @param mountPoints directories, or regular files where a single file is bind-mounted
   * @throws FlashfreezeError `FF_MOUNT_OPEN` naming the path and errno, `FF_ADDON_MISSING`
   */
  static open(
    mountPoints: readonly string[],
    listener: FreezerListener,
    options: FreezerOptions = {},
  ): Freezer {
    return new Freezer(mountPoints, listener, options);
  }

  private constructor(
    mountPoints: readonly string[],
    listener: FreezerListener,
    { ledgerDirectory = '' }: FreezerOptions,
  ) {
    const { Freezer: Native } = loadAddon();
    this.#listener = listener;
    const records = recordsFor(mountPoints.length);
    this.#records = records;
    this.#ledgerPlace = new LedgerPlace(ledgerDirectory);
    try {
      const ring = (): void => this.#drain();
      this.#native = this.#ledgerPlace.makeIn(
        (directory) => new Native(mountPoints, ring, records, directory),
      );
    } catch (error) {
      throw openError(error);
    }
    thawAtExit(this.#native);
    const opened = this.#openedMounts();
    this.deviceNumbers = opened.map(({ device }) => device);
    this.mountIds = opened.map(({ mountId }) => mountId);
    this.#controls = this.#makeControls();
  }

  /**
   * Gives the ledger a name in the `ledgerDirectory`, for whoever comes after this process's death; see
   * ledger.ts. The caller removes the file.
   *
   * @returns undefined, or why it is in memory only
   */
  keepLedger(path: string): string | undefined {
    return this.#ledgerPlace.keep(this.#native, path);
  }

  /** What a file system is frozen by; open as long as this freezer is. */
  descriptorOf(index: number): number {
    return this.#native.descriptors().mountPoints[index] ?? -1;
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
  forceThaw(indexes: readonly number[]): void {
    this.#attempt(() => this.#native.forceThaw(indexes));
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
  isThawed(): boolean {
    return this.#freezing.size === 0 && this.#frozen.size === 0;
  }

  /** What is frozen or being frozen, as far as the listener has been told. */
  stillFrozen(): readonly number[] {
    return [...new Set([...this.#freezing, ...this.#frozen])].toSorted((a, b) => a - b);
  }

  /** Thaws what is frozen, restores the grace periods, waits for what can end, closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) {
      return;
    }
    await this.#thawAll();
    this.#closed = true;
    closeNative(this.#native);
  }

  #openedMounts(): readonly OpenedMount[] {
    try {
      return openedMounts(this.#native.descriptors().mountPoints);
    } catch (error) {
      closeNative(this.#native);
      throw lookError(error);
    }
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
      thawAll: () => this.#thawAll(),
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

  async #thawAll(): Promise<void> {
    this.#native.thawEverything();
    this.#native.restoreGracePeriods();
    await this.#thawedWithin(DISPOSE_LIMIT_MS);
  }

  async #thawedWithin(limitMs: number): Promise<void> {
    if (this.isThawed()) {
      return;
    }
    this.#thawed = Promise.withResolvers();
    const timer = setTimeout(this.#thawed.resolve, limitMs);
    await this.#thawed.promise;
    clearTimeout(timer);
  }

  #attempt<Result>(call: () => Result): Result {
    try {
      return call();
    } catch (error) {
      throw nativeError(error);
    }
  }

  #expect(events: number): void {
    this.#outstanding += events;
    this.#keepAliveWhileNeeded();
  }

  #keepAliveWhileNeeded(): void {
    this.#native.keepAlive(this.#armed || this.#outstanding > 0 || !this.isThawed());
  }

  #drain(): void {
    const events = toEvents(this.#records, this.#native.drain());
    for (const event of events) {
      this.#account(event);
    }
    this.#keepAliveWhileNeeded();
    if (this.isThawed()) {
      this.#thawed.resolve();
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
