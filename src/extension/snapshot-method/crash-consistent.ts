import type { TaskSettings } from '../task-types.ts';

/**
 * Whether a failed freeze may end in a crash-consistent snapshot (settings.md, Crash-consistent
 * fallback): a snapshot without a freeze is as consistent as after a power cut only if there is a single disk.
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
