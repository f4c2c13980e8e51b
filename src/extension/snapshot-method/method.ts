import type { SnapshotMethod } from '../../config/vmbackup.ts';
import type { TaskSettings } from '../task-types.ts';

/** The method if neither the machine's configuration nor the task names one (settings.md). */
export const DEFAULT_METHOD: SnapshotMethod = 'firstHostThenGuest';

/** Which side takes the snapshots, in which order. */
export interface MethodDecision {
  readonly method: SnapshotMethod;
  /** Why the method differs from the requested one, as text for people; undefined if it does not. */
  readonly forcedBecause: string | undefined;
}

/** The settings on which the decision depends. */
export type MethodSettings = Pick<TaskSettings, 'includedDisks' | 'custom'>;

/**
 * Decides which side takes the snapshots (settings.md, Who takes the snapshot). The machine's configuration
 * wins over the task; disks that only the host can snapshot win over both. If disks are excluded and the list of LUNs is
 * empty, the host gets the empty list: it knows which disks the task is for.
 *
 * @param configured `SnapshotMethod` of vmbackup.conf
 */
export function decideSnapshotMethod(
  { includedDisks, custom }: MethodSettings,
  configured: SnapshotMethod | undefined,
): MethodDecision {
  const asked = configured ?? custom.takeSnapshotFrom ?? DEFAULT_METHOD;
  const onlyHost = reasonForHost(includedDisks);
  const luns = includedDisks.luns ?? [];
  const accelerated = luns.find((lun) => custom.writeAcceleratedLuns.includes(lun));
  const reason =
    onlyHost ?? (accelerated === undefined ? undefined : `LUN ${accelerated} is write-accelerated`);
  return reason === undefined
    ? { method: asked, forcedBecause: undefined }
    : { method: 'onlyHost', forcedBecause: asked === 'onlyHost' ? undefined : reason };
}

function reasonForHost({
  isAnyWriteAcceleratedDiskIncluded,
  isVmgsBlobIncluded,
  isAnyDirectDriveDiskIncluded,
}: TaskSettings['includedDisks']): string | undefined {
  if (isAnyWriteAcceleratedDiskIncluded) {
    return 'a write-accelerated disk is included';
  }
  if (isVmgsBlobIncluded) {
    return 'the VM guest state blob is included';
  }
  return isAnyDirectDriveDiskIncluded ? 'a Direct Drive disk is included' : undefined;
}
