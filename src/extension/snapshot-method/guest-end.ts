import { PreflightError } from '../../backup/preflight.ts';
import type { BackupRecord } from '../../backup/record.ts';
import type { GuestEnd } from './steps.ts';

/**
 * Whether every snapshot request of the guest failed although everything was frozen: then the host may
 * try. A failed freeze is no reason to try the host, for which it would fail too.
 */
export function guestEndOf({ barrier, end, disks }: BackupRecord): GuestEnd {
  const requestsCount =
    barrier !== undefined && (end.kind === 'completed' || end.kind === 'deadline');
  const everyOneFailed =
    disks.length > 0 && disks.every(({ answer }) => answer.snapshot === undefined);
  return requestsCount && everyOneFailed ? 'every-disk-failed' : 'ended';
}

/** The end of a run that failed before anything was frozen. An error that is not about every disk counts as `ended`. */
export function guestEndOfError(error: unknown, blobCount: number): GuestEnd {
  return error instanceof PreflightError && error.failures.length === blobCount
    ? 'every-disk-failed'
    : 'ended';
}
