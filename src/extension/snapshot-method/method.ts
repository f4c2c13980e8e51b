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
 * wins over the task; disks that only the host can snapshot win over both, except over `managedIdentity`. If disks are
 * excluded and the list of LUNs is empty, the host gets the empty list: it knows which disks the task is for.
 *
 * If the list of LUNs cannot be read, only the guest takes the snapshots: it takes them of the blobs.
 *
 * @param configured `SnapshotMethod` of vmbackup.conf
 * @throws FlashfreezeError FF_SETTINGS_INVALID if the host or the VM's identity is to take the snapshots, and the disks cannot be read
 */
export function decideSnapshotMethod(
  { includedDisks, custom }: MethodSettings,
  configured: SnapshotMethod | undefined,
): MethodDecision {
  const asked = configured ?? custom.takeSnapshotFrom ?? DEFAULT_METHOD;
  const { luns = [], lunProblem } = includedDisks;
  if (asked === 'managedIdentity') {
    if (lunProblem !== undefined) {
      throw lunProblem;
    }
    // The resource manager takes snapshots of these disks too.
    return { method: asked, forcedBecause: undefined };
  }
  const accelerated = luns.find((lun) => custom.writeAcceleratedLuns.includes(lun));
  const reason =
    reasonForHost(includedDisks) ??
    (accelerated === undefined ? undefined : `LUN ${accelerated} is write-accelerated`);
  const isByHost = reason !== undefined || asked === 'onlyHost';
  if (lunProblem === undefined) {
    return decision(isByHost ? 'onlyHost' : asked, asked, reason);
  }
  if (isByHost) {
    throw lunProblem;
  }
  return decision('onlyGuest', asked, 'the host cannot be told the disks');
}

function decision(
  method: SnapshotMethod,
  asked: SnapshotMethod,
  reason: string | undefined,
): MethodDecision {
  return { method, forcedBecause: method === asked ? undefined : reason };
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
