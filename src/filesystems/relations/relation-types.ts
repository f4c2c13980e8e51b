import type { DeviceNumber } from '../../system/device-number.ts';

/**
 * `dependent` cannot continue while `on` is frozen, so its FIFREEZE may not return then (freeze-facts.md,
 * Stuck). Either may be a superblock that is itself never frozen (a FUSE mount, an overlay): relations
 * lead through it to what is.
 */
export interface Relation {
  readonly dependent: DeviceNumber;
  readonly on: DeviceNumber;
  readonly via: Via;
}

/** Why one file system depends on another. */
export type Via =
  /** `dependent` lies on a loop device whose image is a file of `on`. */
  | { readonly kind: 'loop'; readonly device: string }
  /** `dependent` is an overlay that keeps what is written to it on `on`. */
  | { readonly kind: 'overlay' }
  /** A process answers for the FUSE mount `dependent` and has descriptors to write to `on` with. */
  | ({ readonly kind: 'fuse' } & ProcessName)
  /** A process is asked for permission on `dependent` and has descriptors to write to `on` with. */
  | ({ readonly kind: 'fanotify' } & ProcessName);

export interface ProcessName {
  readonly pid: number;
  /** `/proc/<pid>/comm` */
  readonly command: string;
}

/** A process that other processes wait for in the kernel, and what it can write to. */
export interface Daemon extends ProcessName {
  /** FUSE connections it answers; undefined for one whose number this kernel does not show. */
  readonly connections: readonly (DeviceNumber | undefined)[];
  readonly permissionGroups: readonly PermissionGroup[];
  /** Superblocks that it or a process started by it has descriptors to write to with. */
  readonly writesTo: readonly DeviceNumber[];
}

/** A fanotify descriptor by which a process is asked for permission. */
export interface PermissionGroup {
  /** Its number in that process. */
  readonly descriptor: number;
  /** Superblocks on which it is asked; what is watched by mount counts for its superblock. */
  readonly watches: readonly DeviceNumber[];
}
