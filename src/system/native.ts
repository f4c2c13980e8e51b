import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { FlashfreezeError, type SystemCallFailure } from '../errors.ts';
import { ADDON_PATH } from '../program-files.ts';

export interface NativeDescriptors {
  readonly ledger: number;
  /** -1 if rcu_expedited cannot be written. */
  readonly gracePeriods: number;
  /** Shows its end of file as soon as this process is killed, whatever its threads wait for. */
  readonly lifeline: number;
  readonly mountPoints: readonly number[];
}

/** `Freezer` of native/addon.cc. A call with bad indexes or in a wrong state throws an `Error`. */
export interface NativeFreezer {
  descriptors(): NativeDescriptors;
  /** Names the ledger file in the directory given to the constructor. Throws the failed system call if that fails. */
  keepLedger(directory: number, name: string): void;
  /** A descriptor that the guardian inherits; its end of file shows that the guardian has died. */
  watchGuardian(): number;
  guardianStarted(): void;
  guardianReleased(): void;
  syncfs(indexes: readonly number[]): void;
  freeze(indexes: readonly number[]): void;
  thaw(indexes: readonly number[]): void;
  forceThaw(indexes: readonly number[]): void;
  thawEverything(): void;
  /** Native threads use the lever whenever they break off a freeze. */
  useLastLever(lever: NativeLastLever): void;
  /** For each file system, the id of the thread that calls FIFREEZE. */
  freezingThreads(): number[];
  expedite(): boolean;
  restoreGracePeriods(): void;
  arm(deadlineNs: bigint): void;
  disarm(): void;
  /** Fills the records given to the constructor; returns how many. */
  drain(): number;
  keepAlive(wanted: boolean): void;
  /** Thaws everything that is frozen, and waits at most `waitNs` for it. */
  close(waitNs: bigint): void;
}

/** `LastLever` of native/last_lever_object.h. */
export interface NativeLastLever {
  outcome(): { readonly answered: number; readonly killed: readonly number[] };
  close(): void;
}

export interface Addon {
  readonly Freezer: new (
    mountPoints: readonly string[],
    onEvents: () => void,
    records: BigInt64Array,
    /** An open directory in which the ledger may become a file; -1: none. */
    ledgerDirectory: number,
  ) => NativeFreezer;
  readonly LastLever: new (
    ledger: number,
    action: number,
    graceMs: number,
    limitMs: number,
  ) => NativeLastLever;
  /** Duplicates a permission daemon's fanotify descriptor and closes it at once; 0, or the errno. */
  tryPermissionGroup(pid: number, descriptor: number): number;
  /** F_SETLK for writing, on the whole file: 0, or the errno. */
  tryLock(descriptor: number): number;
  /** Sends a datagram to a UNIX socket without waiting for its reader: 0, or the errno. */
  sendDatagram(path: string, content: Uint8Array): number;
  /** The process that holds the lock that `tryLock` tries to take; 0 if there is none or it cannot be known. */
  lockHolder(descriptor: number): number;
  /** The kernel's estimate of the wall clock's error; null if it may not be read. */
  kernelClock(): { readonly isUnsynchronized: boolean; readonly maxErrorUs: number } | null;
  /** Reads the first numbers of a file of one line; elements that it does not have become 0. Throws the failed system call. */
  readNumbers(descriptor: number, numbers: Float64Array): void;
  /**
   * `fsid` is empty if the file system is not btrfs; `isScrubbed` is null if only root may know; `isForbidden`: a security
   * policy refused to ask it.
   */
  btrfsScrubs(descriptors: readonly number[]): readonly {
    readonly fsid: string;
    readonly isScrubbed: boolean | null;
    readonly isForbidden: boolean;
  }[];
  /** A descriptor is -1 if its error is not 0. */
  openMountPoints(
    paths: readonly string[],
    limitNs: bigint,
    done: (descriptors: readonly number[], errors: readonly number[]) => void,
  ): void;
}

/** One drained event takes this many elements of the records: kind, file system, errno, was frozen, start, end. */
export const RECORD_FIELDS = 6;

let loaded: Addon | undefined;

/** Loads the addon once. Throws `FF_ADDON_MISSING`. */
export function loadAddon(): Addon {
  loaded ??= requireAddon(ADDON_PATH);
  return loaded;
}

export function requireAddon(path: string): Addon {
  try {
    return createRequire(import.meta.url)(path) as Addon;
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new FlashfreezeError(
      'FF_ADDON_MISSING',
      `the native addon cannot be loaded (${reason}); build it with "npm ci" (needs g++, make and python3), or install the extension again`,
    );
  }
}

// If a number has two names: the one in the manual pages of ioctl and fcntl.
const PREFERRED_NAMES = ['EOPNOTSUPP', 'EAGAIN', 'EDEADLK'] as const;
const ERRNO_NAMES = new Map<number, string>([
  ...Object.entries(constants.errno).map(([name, number]) => [number, name] as const),
  ...PREFERRED_NAMES.map((name) => [constants.errno[name], name] as const),
]);

/** `16` → `EBUSY` */
export function errnoName(errno: number): string {
  return ERRNO_NAMES.get(errno) ?? `errno ${errno}`;
}

/** The failed system call, if `error` is one of the addon or of `node:fs`; otherwise undefined. */
export function systemCallFailure(error: unknown): SystemCallFailure | undefined {
  if (!(error instanceof Error && 'syscall' in error && 'errno' in error && 'path' in error)) {
    return undefined;
  }
  const failure = {
    errno: errnoName(Math.abs(Number(error.errno))),
    syscall: String(error.syscall),
  };
  return error.path === '' ? failure : { ...failure, path: String(error.path) };
}
