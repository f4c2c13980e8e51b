import { createDisks, type Made } from '../restore/create-disks.ts';
import {
  disksToMake,
  type PlannedManagedDisk,
  planManagedDisks,
  problemsOf,
} from '../restore/managed-plan.ts';
import type { RestorePlan } from '../restore/restore-plan.ts';
import type { RestoreReport } from '../restore/restore-text.ts';
import type { ManagedService } from '../restore-points/managed-service.ts';
import type { RestoreOptions } from './restore.ts';
import { placementWishesOf, type Restored } from './restore-options.ts';
import { restoreReport } from './restore-report.ts';
import { abortOnSignals } from './signals.ts';
import { ProgressLine } from './snapshots-progress.ts';

/** @throws FlashfreezeError as `createDisks`: nothing was made */
export async function restoreManaged(
  plan: RestorePlan,
  service: ManagedService,
  options: Pick<RestoreOptions, 'toResourceGroup' | 'sku' | 'zone' | 'create'>,
): Promise<Restored> {
  const group = options.toResourceGroup ?? service.group;
  const placement = placementWishesOf(options);
  const disks = await planManagedDisks(plan, service, { group, placement });
  if (options.create !== true) {
    return { report: reportOn(plan, disks, group, []), exitCode: 0 };
  }
  const wanted = disksToMake(plan.point.id, disks);
  const abort = abortOnSignals();
  using line = new ProgressLine();
  const made = await createDisks(service, wanted, {
    abort: abort.signal,
    progress: (text) => line.show(text),
  });
  const failed = made.some(({ state }) => state === 'failed');
  return { report: reportOn(plan, disks, group, made), exitCode: abort.exitCode ?? Number(failed) };
}

function reportOn(
  plan: RestorePlan,
  disks: readonly PlannedManagedDisk[],
  group: string,
  made: readonly Made[],
): RestoreReport {
  const exists = (index: number): boolean => (made[index]?.state ?? 'failed') !== 'failed';
  const attached = disks.filter((_, index) => made[index]?.wasAttached === true);
  return restoreReport(
    plan,
    disks.map(({ id }, index) => ({
      ...{ url: null, diskId: id.text },
      ...{ state: made[index]?.state ?? 'planned', error: made[index]?.error },
    })),
    {
      ...{ blobUrl: undefined, group },
      managed: disks.map(({ id, old, placement }, index) => ({
        ...{ id: id.text, exists: exists(index), old, placement },
      })),
    },
    [
      ...(made.length === 0 ? problemsOf(disks) : []),
      ...attached.map(
        ({ id }) =>
          `${id.name} has been attached to a VM since it was made: it may no longer have the content of its snapshot. Use another --prefix for a new one`,
      ),
    ],
  );
}
