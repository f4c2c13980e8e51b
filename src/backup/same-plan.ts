import { FlashfreezeError } from '../errors.ts';
import type { Plan } from '../filesystems/model.ts';
import { readPlan } from '../filesystems/read-plan.ts';
import { thisMachine } from '../filesystems/system-view.ts';
import type { Freezer } from '../freezer/freezer.ts';
import type { Prepared } from './prepare.ts';
import type { BackupRequest } from './request.ts';

/**
 * A mount may have come or gone since the plan was read: then it is not frozen by mistake. The mount is
 * compared too, because a device number is soon given to the next loop device or btrfs.
 */
export function requireSameFileSystems(plan: Plan, { deviceNumbers, mountIds }: Freezer): void {
  const changed = plan.fileSystems.find(
    ({ device, mountId }, index) =>
      deviceNumbers[index] !== device || (mountId !== undefined && mountIds[index] !== mountId),
  );
  if (changed !== undefined) {
    throw new FlashfreezeError(
      'FF_MOUNT_OPEN',
      `${changed.mountPoint} shows another file system than a moment ago: something was mounted or unmounted meanwhile. Try again.`,
    );
  }
}

/**
 * The last look before the freeze: what was mounted since the plan was made, by a pre-script or during
 * a wait, would not be frozen, and the snapshot of its disk not be consistent.
 *
 * @throws FlashfreezeError FF_MOUNT_OPEN
 */
export async function requireSamePlan(
  { selection }: BackupRequest,
  { plan, mountinfo }: Prepared,
): Promise<void> {
  const now = await thisMachine.mountinfo();
  if (plan.fileSystems.length === 0 || Buffer.compare(now, mountinfo) === 0) {
    return;
  }
  const planned = new Set(plan.fileSystems.map(({ device }) => device));
  const current = (await readPlan(selection)).fileSystems;
  const added = current.find(({ device }) => !planned.has(device));
  if (added !== undefined || current.length !== planned.size) {
    throw new FlashfreezeError(
      'FF_MOUNT_OPEN',
      `${added === undefined ? 'a file system was unmounted' : `${added.mountPoint} was mounted`} after the plan was made; nothing was frozen. Try again.`,
    );
  }
}
