/**
 * What the freezer reports about one file system. The native thread that made the system call stamps it in
 * CLOCK_MONOTONIC nanoseconds (comparable with `process.hrtime.bigint()`).
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
      /** False if FITHAW found the file system not frozen: another tool had thawed it. */
      readonly wasFrozen: boolean;
    } & Stamps)
  | ({ readonly kind: 'thaw-failed'; readonly fileSystem: number; readonly errno: string } & Stamps)
  | ({
      readonly kind: 'synced';
      readonly fileSystem: number;
      readonly errno: string | undefined;
    } & Stamps)
  /** The armed deadline passed; native threads are thawing every frozen file system. */
  | { readonly kind: 'expired'; readonly atNs: bigint }
  /** The guardian is gone; native threads are thawing every frozen file system. */
  | { readonly kind: 'guardian-lost'; readonly atNs: bigint };

/** When the system call was entered and when it returned. */
export interface Stamps {
  readonly startNs: bigint;
  readonly endNs: bigint;
}

export type FreezerListener = (event: FreezerEvent) => void;
