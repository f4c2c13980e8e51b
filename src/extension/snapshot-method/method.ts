import type { SnapshotMethod } from '../../config/vmbackup.ts';
import type { TaskSettings } from '../task-types.ts';

/** The method if neither the machine's configuration nor the task names one (settings.md). */
export const DEFAULT_METHOD: SnapshotMethod = 'firstHostThenGuest';

/** Which side takes the snapshots, in which order. */
export type MethodDecision =
  | {
      readonly kind: 'take';
      readonly method: SnapshotMethod;
      /** Why the method differs from the requested one, as text for people; undefined if it does not. */
      readonly forcedBecause: string | undefined;
    }
  /** Result code 17. */
  | { readonly kind: 'refused'; readonly reason: string };

/** The settings on which the decision depends. */
export type MethodSettings = Pick<TaskSettings, 'includedDisks' | 'custom'>;

/**
 * Decides which side takes the snapshots (settings.md, Who takes the snapshot). The machine's configuration
 * wins over the task; disks that only the host can snapshot win over both, and so does a choice of
 * disks that a request to the host cannot express.
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
  if (includedDisks.isAnyDiskExcluded && luns.length === 0) {
    return onlyHost === undefined
      ? forced(asked, 'onlyGuest', 'disks are excluded and no LUN says which ones are included')
      : {
          kind: 'refused',
          reason: `disks are excluded and no LUN says which ones are included, but ${onlyHost}, which needs the host`,
        };
  }
  const accelerated = luns.find((lun) => custom.writeAcceleratedLuns.includes(lun));
  const reason =
    onlyHost ?? (accelerated === undefined ? undefined : `LUN ${accelerated} is write-accelerated`);
  return reason === undefined
    ? { kind: 'take', method: asked, forcedBecause: undefined }
    : forced(asked, 'onlyHost', reason);
}

function forced(asked: SnapshotMethod, method: SnapshotMethod, reason: string): MethodDecision {
  return { kind: 'take', method, forcedBecause: method === asked ? undefined : reason };
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
