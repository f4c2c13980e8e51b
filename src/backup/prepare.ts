import { type Disk, OS_DISK_LUN } from '../filesystems/model.ts';
import { type PlanReading, readDisks } from '../filesystems/read-plan.ts';
import { Freezer } from '../freezer/freezer.ts';
import type { FreezerEvent } from '../freezer/model.ts';
import type { Preflight, SnapshotEvent, SnapshotTaker } from '../snapshot/model.ts';
import { readAnsweringPlan } from './answering-plan.ts';
import { refuseMaintenance } from './btrfs-maintenance.ts';
import type { Relay } from './context.ts';
import { readLearntOrder } from './freeze-order-file.ts';
import { JOURNAL_DIRECTORY } from './journal/journal.ts';
import { matchTargets } from './matching.ts';
import { preflightError } from './preflight.ts';
import { openTaker, type TakenBy, takenBy, targetNames } from './provider.ts';
import type { BackupRequest, RunObserver } from './request.ts';
import { stuckFirst } from './schedule/stuck-first.ts';
import { requireSameFileSystems } from './verify-storage.ts';
import { type Behind, diskBehind, UNKNOWN_DISK } from './whole-set/behind.ts';
import type { SetMember } from './whole-set/gaps.ts';

/** Everything a freeze needs, opened, connected and checked. */
export interface Prepared {
  readonly plan: PlanReading;
  /** The plan's waves, those first that were stuck in earlier runs. */
  readonly waves: readonly (readonly number[])[];
  readonly freezer: Freezer;
  readonly taker: SnapshotTaker;
  readonly takenBy: TakenBy;
  /** One for each requested blob, in order; where the host takes the snapshots a single one. */
  readonly targets: readonly Target[];
}

/** A target with what is known of the disks behind it. */
export type Target = SetMember;

/** For each target the kernel name of the disk behind it, where it is known. */
export function disksOf({ targets }: Prepared): (string | undefined)[] {
  return targets.map(({ behind }) => diskBehind(behind));
}

export interface Relays {
  readonly freezer: Relay<FreezerEvent>;
  readonly snapshot: Relay<SnapshotEvent>;
}

/**
 * Does everything that can fail for another reason than the freeze itself: reads the plan, opens
 * every mount point, connects to every blob and reads it. What it acquires goes to `resources`, to be
 * released in reverse order.
 *
 * @throws FlashfreezeError with exit code 2; nothing has been frozen then
 */
export async function prepare(
  request: BackupRequest,
  relays: Relays,
  resources: AsyncDisposableStack,
  observer: RunObserver,
): Promise<Prepared> {
  const names = targetNames(request);
  const taker = await kept(resources, await openTaker(request, relays.snapshot));
  using answering = request.freeze ? await readAnsweringPlan(request.selection) : undefined;
  const plan = answering?.plan ?? (await planWithoutFreeze());
  for (const warning of plan.warnings ?? []) {
    observer.warn(warning);
  }
  const mountPoints = plan.fileSystems.map(
    ({ mountPoint }) => answering?.openings.pathOf(mountPoint) ?? mountPoint,
  );
  const freezer = await kept(
    resources,
    Freezer.open(mountPoints, (event) => relays.freezer.tell(event), {
      ledgerDirectory: JOURNAL_DIRECTORY,
    }),
  );
  requireSameFileSystems(plan, freezer);
  await refuseMaintenance(request, plan, freezer);
  const preflights = await taker.preflight();
  const error = preflightError(preflights, names, takenBy(request));
  if (error !== undefined) {
    throw error;
  }
  const behind = await disksBehind(request, plan, preflights, names, observer);
  const learnt = await readLearntOrder(plan.fileSystems);
  return {
    plan,
    waves: stuckFirst(plan.fileSystems, plan.waves, learnt),
    freezer,
    taker,
    takenBy: takenBy(request),
    targets: names.map((blob, index) => ({ blob, behind: behind[index] ?? UNKNOWN_DISK })),
  };
}

/** Where the run was aborted meanwhile, nobody is left to dispose of what comes late. */
async function kept<Resource extends AsyncDisposable>(
  resources: AsyncDisposableStack,
  resource: Resource,
): Promise<Resource> {
  if (resources.disposed) {
    await resource[Symbol.asyncDispose]();
  }
  return resources.use(resource);
}

/** Only the disks are of interest, to find the one behind each blob. */
async function planWithoutFreeze(): Promise<PlanReading> {
  return {
    fileSystems: [],
    waves: [],
    thawsAfter: [],
    daemons: [],
    disks: [],
    otherDisks: await readDisks(),
    excluded: [],
  };
}

/** What the host or a command snapshots is no single disk, so its one target is matched to none. */
async function disksBehind(
  request: BackupRequest,
  plan: PlanReading,
  preflights: readonly Preflight[],
  names: readonly string[],
  observer: RunObserver,
): Promise<Behind[]> {
  switch (takenBy(request)) {
    case 'guest':
      return await matchTargets(request, plan, preflights, names, observer);
    case 'host':
      return names.map(() => ({ kind: 'all-of', disks: disksOfHost(plan, request.includedLuns) }));
    case 'command':
      return names.map(() => ({ kind: 'command' }));
  }
}

/** Those of the VM's own disks that the host is asked for; of a disk without a known LUN it is assumed. */
function disksOfHost({ disks, otherDisks }: PlanReading, luns: readonly number[] = []): string[] {
  const isWanted = ({ role, lun }: Disk): boolean =>
    luns.length === 0 || luns.includes(role === 'os' ? OS_DISK_LUN : (lun ?? luns[0] ?? 0));
  return [...disks, ...(otherDisks ?? []).filter(({ role }) => role !== undefined)]
    .filter((disk) => disk.role !== 'temporary' && isWanted(disk))
    .map(({ name }) => name);
}
