import type { BtrfsMaintenance } from '../../config/vmbackup.ts';

/**
 * What holds the writers of a btrfs out of a freeze for its whole run, minutes to days: FIFREEZE waits for it, every
 * writer waits behind that, and no FITHAW releases anybody (freeze-facts.md, Stuck).
 */
export const LONG_OPERATIONS = [
  'balance',
  'device add',
  'device remove',
  'device replace',
  'resize',
  'scrub',
] as const;
export type LongOperation = (typeof LONG_OPERATIONS)[number];

/** A file system on which one runs. */
export interface MaintainedFileSystem {
  readonly mountPoint: string;
  /** As `/sys/fs/btrfs` names it. */
  readonly fsid: string;
  readonly operation: LongOperation;
}

/** What is done about one of them. */
export type MaintenanceCourse = 'pause' | 'refuse' | 'ignore';

/** Pure: nothing is ever cancelled, and only a balance continues later from where it stopped. */
export function courseOf(operation: LongOperation, mode: BtrfsMaintenance): MaintenanceCourse {
  switch (mode) {
    case 'ignore':
      return 'ignore';
    case 'refuse':
      return 'refuse';
    case 'pauseBalance':
      return operation === 'balance' ? 'pause' : 'refuse';
  }
}

/**
 * What runs, by `exclusive_operation` of /sys/fs/btrfs/<fsid> and whether it is scrubbed. Pure. A paused balance holds
 * no writer up, and a swap file is activated in no time.
 */
export function longOperation(
  exclusiveOperation: string | undefined,
  isScrubbed: boolean,
): LongOperation | undefined {
  const named = exclusiveOperation?.trim();
  return LONG_OPERATIONS.find((it) => it === named) ?? (isScrubbed ? 'scrub' : undefined);
}

/**
 * What runs exclusively; kernels before 5.17 say `balance` of a paused one as well: by what `btrfs balance status`
 * prints, which ends its first line with the state. Pure.
 */
export function pausedOrNot(
  exclusiveOperation: string | undefined,
  status: string,
): string | undefined {
  const isPaused = exclusiveOperation === 'balance' && /' is paused$/m.test(status);
  return isPaused ? 'balance paused' : exclusiveOperation;
}

/** Whether a kernel of that release has `balance paused` (since 5.17): then btrfs(8), which can take long, is not asked. Pure. */
export function tellsPaused(release: string): boolean {
  const [major = 0, minor = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  return major > 5 || (major === 5 && minor >= 17);
}

/** What to do so that it is out of the way, for people. */
export function remedyFor({ mountPoint, operation }: MaintainedFileSystem): string {
  switch (operation) {
    case 'balance':
      return `btrfs balance pause ${mountPoint}, and afterwards btrfs balance resume ${mountPoint}; or btrfsMaintenance = pauseBalance in /etc/azure/vmbackup.conf, which does that`;
    case 'scrub':
      return `btrfs scrub cancel ${mountPoint}, and afterwards btrfs scrub resume ${mountPoint}, which continues from where it stopped`;
    case 'device replace':
      return `wait for its end (btrfs replace status ${mountPoint})`;
    default:
      return `wait for its end (btrfs filesystem usage ${mountPoint})`;
  }
}

/** A sentence for people, without a full stop. */
export function describeMaintenance(it: MaintainedFileSystem): string {
  return `a btrfs ${it.operation} runs on ${it.mountPoint}, and no freeze gets through before its end, while all writers wait`;
}
