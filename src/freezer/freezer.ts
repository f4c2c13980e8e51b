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
import { type OpenedMount, openedMounts } from './opened-mounts.ts';
import { closeNative, thawAtExit } from './thaw-at-exit.ts';

/** How long `Symbol.asyncDispose` waits for file systems whose thaw does not return. */
export const DISPOSE_LIMIT_MS = 5000;

/**
 * What only the guardian may do with a freezer: without a guardian nothing is frozen. See `Guardian.start`
 * and `Guardian.arm`. `LastLever.prepare` uses it too.
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
   * The directory that the ledger is created in, so that `keepLedger` can give it a name there. If it is
   * missing, it is created for root alone. If it is not on a tmpfs, the ledger is in memory only.
   */
  readonly ledgerDirectory?: string;
}

let controlsOf: (freezer: Freezer) => FreezerControls;

/** Only guardian.ts and last-lever.ts may call it. */
export function freezerControls(freezer: Freezer): FreezerControls {
  return controlsOf(freezer);
}

/**
 * Freezes and thaws a set of file systems on native threads, one for each. Methods start an operation and
 * return at once; the listener gets the result, stamped by the thread that made the system call. `open`
 * opens and starts everything, so that only the system calls themselves happen in the window.
 *
 * It cannot freeze by itself: that needs a guardian (`Guardian.start(freezer)`, then `guardian.arm(deadlineNs)`).
 * A call in a wrong state throws `FF_INTERNAL` and changes nothing.
 */
export class Freezer implements AsyncDisposable {
  /** `major:minor` of the superblock behind each mount point, as mountinfo shows it. */
  readonly deviceNumbers: readonly string[];
  /** For each mount point, the id in mountinfo of the mount that was opened. */
  readonly mountIds: readonly (number | undefined)[];
  readonly #native: NativeFreezer;
  readonly #descriptors: readonly number[];
  readonly #ledgerPlace: LedgerPlace;
  readonly #records: BigInt64Array;
  readonly #listener: FreezerListener;
  readonly #controls: FreezerControls;
  #armed = false;
  /** Number of syncfs and freeze calls without an answer yet. */
  #outstanding = 0;
  readonly #freezing = new Set<number>();
  readonly #frozen = new Set<number>();
  #thawed = Promise.withResolvers<void>();
  #closed = false;

  static {
    controlsOf = (freezer) => freezer.#controls;
  }

  /**
   * @param mountPoints directories, or regular files if a single file is bind-mounted
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
    const { descriptors, opened } = this.#openedMounts();
    this.#descriptors = descriptors;
    this.deviceNumbers = opened.map(({ device }) => device);
    this.mountIds = opened.map(({ mountId }) => mountId);
    this.#controls = this.#makeControls();
  }

  /**
   * Gives the ledger a name in the `ledgerDirectory`, so that the next command can read it if this process
   * dies; see ledger.ts. The caller removes the file.
   *
   * @returns undefined, or the reason why it is in memory only
   */
  keepLedger(path: string): string | undefined {
    return this.#ledgerPlace.keep(this.#native, path);
  }

  /** The descriptor that a file system is frozen through; open as long as this freezer is. */
  descriptorOf(index: number): number {
    return this.#closed ? -1 : (this.#descriptors[index] ?? -1);
  }

  /** For each file system, the id of the thread of this process that calls FIFREEZE. */
  freezingThreads(): readonly number[] {
    return this.#native.freezingThreads();
  }

  /** Writes dirty data back, all file systems at once; the listener gets `synced` for each. */
  syncfs(indexes: readonly number[]): void {
    this.#attempt(() => this.#native.syncfs(indexes));
    this.#expect(indexes.length);
  }

  /**
   * Thaws the file systems that this freezer has frozen, or will have when a running FIFREEZE returns. The
   * listener gets one `thawed` for each `frozen`. Nothing happens to the others. May be repeated.
   */
  thaw(indexes: readonly number[]): void {
    this.#attempt(() => this.#native.thaw(indexes));
  }

  /**
   * Thaws regardless of which tool froze: for an operator's order, and for what a dead run left frozen. The
   * listener gets `thawed` or `thaw-failed` for each. If another tool has frozen one, its freeze ends.
   */
  forceThaw(indexes: readonly number[]): void {
    this.#attempt(() => this.#native.forceThaw(indexes));
  }

  /** Makes RCU grace periods short. False if the machine does not permit it: everything then works, but takes longer. */
  expedite(): boolean {
    return this.#native.expedite();
  }

  /** Restores the former value. May be repeated; the deadline and the clean-up do it too. */
  restoreGracePeriods(): void {
    this.#native.restoreGracePeriods();
  }

  /** True if nothing is frozen or being frozen, as far as the events show. */
  isThawed(): boolean {
    return this.#freezing.size === 0 && this.#frozen.size === 0;
  }

  /** The file systems that are frozen or being frozen, as far as the events show. */
  stillFrozen(): readonly number[] {
    return [...new Set([...this.#freezing, ...this.#frozen])].toSorted((a, b) => a - b);
  }

  /** Thaws everything, restores the grace periods, waits at most `DISPOSE_LIMIT_MS`, closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) {
      return;
    }
    await this.#thawAll();
    this.#closed = true;
    closeNative(this.#native);
  }

  #openedMounts(): {
    readonly descriptors: readonly number[];
    readonly opened: readonly OpenedMount[];
  } {
    try {
      const { mountPoints: descriptors } = this.#native.descriptors();
      return { descriptors, opened: openedMounts(descriptors) };
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
