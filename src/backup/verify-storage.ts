import { fstatSync } from 'node:fs';
import { FlashfreezeError } from '../errors.ts';
import type { ExclusionReason, FileSystem, Plan, Selection } from '../filesystems/plan-types.ts';
import { readStorage } from '../filesystems/read-plan.ts';
import type { SystemView } from '../filesystems/system-view.ts';
import type { Freezer } from '../freezer/freezer.ts';
import { errnoOf, reasonOf } from '../system/errno.ts';
import { withoutFaulty } from './answering-plan.ts';
import { type NotRead, wasRead } from './whole-set/find-gaps.ts';

/**
 * Ends the run if a mount point shows another file system than when the plan was read, so that the run does not freeze
 * the wrong one. Mount ids are compared too, because the kernel soon reuses a device number for another loop device or
 * btrfs.
 */
export function requireSameFileSystems(plan: Plan, { deviceNumbers, mountIds }: Freezer): void {
  const changed = plan.fileSystems.find(
    ({ device, mountId }, index) =>
      deviceNumbers[index] !== device || (mountId !== undefined && mountIds[index] !== mountId),
  );
  if (changed !== undefined) {
    throw new FlashfreezeError(
      'FF_MOUNT_OPEN',
      `${changed.mountPoint} no longer shows the file system in the plan: something was mounted or unmounted in the meantime. Try again.`,
    );
  }
}

/**
 * The first change of what is mounted since the plan was made, as the beginning of a sentence; undefined if there is
 * none. A file system that was mounted after the plan was made, by a pre-script or during a wait, would not be frozen,
 * and the snapshot of its disk would not be consistent. The disks are compared as well, because adding a device to a
 * btrfs or a volume does not change mountinfo. An xfs that died in the meantime is found through its open descriptor:
 * mountinfo does not show it.
 *
 * @throws as `readStorage`
 */
export async function changeSince(
  plan: Plan,
  selection: Selection,
  freezer: Pick<Freezer, 'descriptorOf'>,
): Promise<string | undefined> {
  if (plan.fileSystems.length === 0) {
    return undefined;
  }
  const now = await readStorage(withoutFaulty(selection, plan));
  const [dead] = deadIn(plan, freezer);
  return (
    changeBetween(plan, now) ??
    (dead && `${dead} was shut down by the kernel after an input/output error`)
  );
}

/** Their mount points. What reaches the descriptors of local file systems does not wait for their disks. */
function deadIn(
  { fileSystems }: Pick<Plan, 'fileSystems'>,
  freezer: Pick<Freezer, 'descriptorOf'>,
): string[] {
  const dead = fileSystems.filter((_, index) => {
    try {
      fstatSync(freezer.descriptorOf(index));
      return false;
    } catch (error) {
      return errnoOf(error) === 'EIO';
    }
  });
  return dead.map(({ mountPoint }) => mountPoint);
}

type Storage = Pick<Plan, 'fileSystems' | 'excluded'>;

/** What was found after the thaw. */
export interface StorageAfterwards {
  /** Undefined if nothing was frozen, or if nothing that can be frozen is left. */
  readonly now: Storage | NotRead | undefined;
  /** What was frozen and has failed since the plan was made. */
  readonly failed: readonly FailedFileSystem[];
}

export interface FailedFileSystem {
  readonly mountPoint: string;
  /** The kernel still serves it, and shows it as read-only. */
  readonly isReadOnly: boolean;
}

/**
 * Reads the storage once more. To be called before post-scripts run: they may mount and unmount. Never rejects: the
 * snapshots are taken, and the run has to report them.
 */
export async function storageAfterwards(
  selection: Selection,
  plan: Storage,
  freezer: Pick<Freezer, 'descriptorOf'>,
  system?: SystemView,
): Promise<StorageAfterwards> {
  if (plan.fileSystems.length === 0) {
    return { now: undefined, failed: [] };
  }
  const now = await storageIfAny(withoutFaulty(selection, plan), system);
  // If all that was asked for has failed, the rest of the machine is read to see how.
  const seen = now ?? (await storageIfAny({ include: [], skip: [] }, system));
  const failed = failedBetween(plan, wasRead(seen) ? seen : undefined);
  const named = new Set(failed.map(({ mountPoint }) => mountPoint));
  const dead = deadIn(plan, freezer).filter((mountPoint) => !named.has(mountPoint));
  return {
    now,
    failed: [...failed, ...dead.map((mountPoint) => ({ mountPoint, isReadOnly: false }))],
  };
}

async function storageIfAny(
  selection: Selection,
  system: SystemView | undefined,
): Promise<Storage | NotRead | undefined> {
  try {
    return await readStorage(selection, system);
  } catch (error) {
    return error instanceof FlashfreezeError ? undefined : { error: reasonOf(error) };
  }
}

/** How the failure of a file system shows: the kernel has shut it down, made it read-only, or lost its disk. */
const FAILURES: ReadonlySet<ExclusionReason> = new Set(['dead', 'read-only', 'no-block-device']);

/** The file systems of the plan that have failed since. Pure. */
export function failedBetween(
  plan: Pick<Plan, 'fileSystems'>,
  now: Pick<Plan, 'excluded'> | undefined,
): FailedFileSystem[] {
  const failed = (now?.excluded ?? []).filter(({ reason }) => FAILURES.has(reason));
  const reasons = new Map(failed.map(({ device, reason }) => [device, reason]));
  return plan.fileSystems
    .filter(({ device }) => reasons.has(device))
    .map(({ device, mountPoint }) => ({
      mountPoint,
      isReadOnly: reasons.get(device) === 'read-only',
    }));
}

/** The beginning of a sentence on the first file system that changed; undefined if none did. */
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
    return `${gone.mountPoint} was unmounted, remounted read-only or covered, or it failed`;
  }
  const disksNow = new Map(now.fileSystems.map(({ device, disks }) => [device, disks.join()]));
  const moved = before.fileSystems.find(
    ({ device, disks }) => disksNow.get(device) !== disks.join(),
  );
  return moved && `${moved.mountPoint} was moved to other disks`;
}

function absentFrom(
  { fileSystems }: Pick<Plan, 'fileSystems'>,
  others: Pick<Plan, 'fileSystems'>,
): FileSystem | undefined {
  const devices = new Set(others.fileSystems.map(({ device }) => device));
  return fileSystems.find(({ device }) => !devices.has(device));
}
