import { azLines, type NewPlaces, uuidWarnings } from '../restore/az-lines.ts';
import type { PlannedDisk, RestorePlan } from '../restore/restore-plan.ts';
import type { RestoreReport } from '../restore/restore-text.ts';

/** What became of one disk of the plan. */
export interface DiskOutcome {
  /** Of the new blob, without a query; null for a managed disk. */
  readonly url: string | null;
  /** Resource id of the new managed disk; null for a blob. */
  readonly diskId: string | null;
  readonly state: RestoreReport['disks'][number]['state'];
  readonly error: string | undefined;
}

/**
 * What `flashfreeze restore` reports. Pure.
 *
 * @param outcomes in the order of the plan
 * @param warnings about this restore, for people
 */
export function restoreReport(
  plan: RestorePlan,
  outcomes: readonly DiskOutcome[],
  places: NewPlaces,
  warnings: readonly string[],
): RestoreReport {
  const { point, disks, missing } = plan;
  return {
    ...{ restorePoint: point.id, host: point.host, worth: point.worth },
    isDryRun: outcomes.every(({ state }) => state === 'planned'),
    disks: disks.map((disk, index) => reportOnDisk(disk, outcomes[index])),
    missing,
    azLines: azLines(plan, places),
    warnings: [...warnings, ...uuidWarnings(point)],
  };
}

function reportOnDisk(
  { member, name }: PlannedDisk,
  outcome: DiskOutcome | undefined,
): RestoreReport['disks'][number] {
  const { place, membership, sizeBytes } = member;
  const { position, lun, device } = membership;
  return {
    ...{ position, lun: lun ?? null, device: device ?? null },
    source: place.kind === 'blob' ? place.url : place.sourceDisk,
    snapshot: place.kind === 'blob' ? place.snapshot : place.id,
    ...{ sizeBytes, name },
    ...{ url: outcome?.url ?? null, diskId: outcome?.diskId ?? null },
    ...{ state: outcome?.state ?? 'planned', error: outcome?.error ?? null },
  };
}
