/**
 * What the freezer tells about one file system, stamped in CLOCK_MONOTONIC nanoseconds by the native
 * thread that made the system call (comparable with `process.hrtime.bigint()`).
 * `fileSystem` is the index of the mount point given to `Freezer.open`.
 */
export type FreezerEvent =
  | ({ readonly kind: 'frozen'; readonly fileSystem: number } & Stamps)
  | ({
      readonly kind: 'freeze-failed';
      readonly fileSystem: number;
      readonly errno: string;
    } & Stamps)
  | ({
      readonly kind: 'thawed';
      readonly fileSystem: number;
      /** False where FITHAW found the file system not frozen: somebody else had thawed it. */
      readonly wasFrozen: boolean;
    } & Stamps)
  | ({ readonly kind: 'thaw-failed'; readonly fileSystem: number; readonly errno: string } & Stamps)
  | ({
      readonly kind: 'synced';
      readonly fileSystem: number;
      readonly errno: string | undefined;
    } & Stamps)
  /** The armed deadline passed; everything frozen is being thawed by native threads. */
  | { readonly kind: 'expired'; readonly atNs: bigint }
  /** The guardian is gone; everything frozen is being thawed by native threads. */
  | { readonly kind: 'guardian-lost'; readonly atNs: bigint };

/** When the system call was entered and when it returned. */
export interface Stamps {
  readonly startNs: bigint;
  readonly endNs: bigint;
}

export type FreezerListener = (event: FreezerEvent) => void;
