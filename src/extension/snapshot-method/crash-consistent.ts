import type { TaskSettings } from '../task-types.ts';

/**
 * Whether a failed freeze may end in a crash-consistent snapshot (settings.md, Crash-consistent
 * fallback): of one disk alone a snapshot without freeze is worth what a power cut leaves.
 */
export function mayBeCrashConsistent({
  custom,
  includedDisks,
  blobs,
}: Pick<TaskSettings, 'custom' | 'includedDisks' | 'blobs'>): boolean {
  const disks = includedDisks.luns?.length ?? blobs.length;
  return (
    custom.isManagedVm &&
    custom.canTakeCrashConsistentSnapshot &&
    custom.backupRetryCount > 0 &&
    disks === 1
  );
}
