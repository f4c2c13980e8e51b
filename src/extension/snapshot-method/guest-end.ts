import { PreflightError } from '../../backup/preflight.ts';
import type { BackupRecord } from '../../backup/record.ts';
import type { GuestEnd } from './steps.ts';

/**
 * Whether the guest could snapshot none of the disks, though everything was frozen: then the host may.
 * What could not be frozen for the guest cannot for the host.
 */
export function guestEndOf({ barrier, end, disks }: BackupRecord): GuestEnd {
  const requestsCount =
    barrier !== undefined && (end.kind === 'completed' || end.kind === 'deadline');
  const everyOneFailed =
    disks.length > 0 && disks.every(({ answer }) => answer.snapshot === undefined);
  return requestsCount && everyOneFailed ? 'every-disk-failed' : 'ended';
}

/** How a run ended that failed before anything was frozen; undefined if the error is not about disks. */
export function guestEndOfError(error: unknown, blobCount: number): GuestEnd {
  return error instanceof PreflightError && error.failures.length === blobCount
    ? 'every-disk-failed'
    : 'ended';
}
