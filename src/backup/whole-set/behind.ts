/** What is known of the disks behind a target, by kernel names. */
export type Behind =
  /** Its blob is that of this disk. */
  | { readonly kind: 'disk'; readonly disk: string }
  /** Its blob is that of one of these; of which is not known. */
  | { readonly kind: 'one-of'; readonly disks: readonly string[] }
  /** It stands for all of these: the host takes them with one call. */
  | { readonly kind: 'all-of'; readonly disks: readonly string[] }
  /** Its blob belongs by its content to none of this machine's disks. */
  | { readonly kind: 'foreign' }
  /** A command does whatever it likes while everything is frozen. */
  | { readonly kind: 'command' };

/** What one snapshot is taken of, as far as the set is concerned. */
export interface Target {
  /** URL of the blob without its query, or the name of the host service or command. */
  readonly name: string;
  readonly behind: Behind;
}

/** For each target the kernel name of the disk behind it, if it is known. */
export function knownDisks(targets: readonly Target[]): (string | undefined)[] {
  return targets.map(({ behind }) => diskBehind(behind));
}

/** Not even which disks it may be is known: nothing can be claimed of it by its disk. */
export const UNKNOWN_DISK: Behind = { kind: 'one-of', disks: [] };

/** The one disk that is known to be behind a target. */
export function diskBehind(behind: Behind): string | undefined {
  return behind.kind === 'disk' ? behind.disk : undefined;
}

/** The disks that nothing may write to between the request for a target and its answer. */
export function disksToWatch(behind: Behind): readonly string[] {
  switch (behind.kind) {
    case 'disk':
      return [behind.disk];
    case 'one-of':
    case 'all-of':
      return behind.disks;
    case 'foreign':
    case 'command':
      return [];
  }
}
