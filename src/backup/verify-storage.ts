import { FlashfreezeError } from '../errors.ts';
import type { FileSystem, Plan, Selection } from '../filesystems/plan-types.ts';
import { readStorage } from '../filesystems/read-plan.ts';
import type { Freezer } from '../freezer/freezer.ts';
import { withoutSilent } from './answering-plan.ts';

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
 * a wait, would not be frozen, and the snapshot of its disk not be consistent. The disks are compared as well,
 * because a device that is added to a btrfs or to a volume changes no line of mountinfo.
 *
 * @throws FlashfreezeError FF_MOUNT_OPEN
 */
export async function requireSameStorage(selection: Selection, plan: Plan): Promise<void> {
  if (plan.fileSystems.length === 0) {
    return;
  }
  const change = changeBetween(plan, await readStorage(withoutSilent(selection, plan)));
  if (change !== undefined) {
    throw new FlashfreezeError(
      'FF_MOUNT_OPEN',
      `${change} after the plan was made; nothing was frozen. Try again.`,
    );
  }
}

/** The storage as it is now, after a run; undefined if nothing is left that could be frozen. */
export async function storageAfterwards(
  selection: Selection,
  plan: Pick<Plan, 'excluded'>,
): Promise<Pick<Plan, 'fileSystems' | 'excluded'> | undefined> {
  try {
    return await readStorage(withoutSilent(selection, plan));
  } catch (error) {
    if (error instanceof FlashfreezeError) {
      return undefined;
    }
    throw error;
  }
}

/** Which file system came or went, as the beginning of a sentence; undefined where none did. */
export function changeBetween(
  before: Pick<Plan, 'fileSystems'>,
  now: Pick<Plan, 'fileSystems'>,
): string | undefined {
  const added = absentFrom(now, before);
  if (added !== undefined) {
    return `${added.mountPoint} was mounted`;
  }
  const gone = absentFrom(before, now);
  if (gone !== undefined) {
    return `${gone.mountPoint} was unmounted, remounted read-only or covered`;
  }
  const disksNow = new Map(now.fileSystems.map(({ device, disks }) => [device, disks.join()]));
  const moved = before.fileSystems.find(
    ({ device, disks }) => disksNow.get(device) !== disks.join(),
  );
  return moved && `${moved.mountPoint} came to lie on other disks`;
}

function absentFrom(
  { fileSystems }: Pick<Plan, 'fileSystems'>,
  others: Pick<Plan, 'fileSystems'>,
): FileSystem | undefined {
  const devices = new Set(others.fileSystems.map(({ device }) => device));
  return fileSystems.find(({ device }) => !devices.has(device));
}
