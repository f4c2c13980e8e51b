import { type Disk, OS_DISK_LUN } from '../filesystems/plan-types.ts';
import { type PlanReading, readDisks } from '../filesystems/read-plan.ts';
import { Freezer } from '../freezer/freezer.ts';
import type { Preflight } from '../snapshot/snapshot-types.ts';
import { readAnsweringPlan } from './answering-plan.ts';
import { refuseMaintenance } from './btrfs-maintenance.ts';
import type { RunContext } from './context.ts';
import { readFreezeOrder } from './freeze-order-file.ts';
import { JOURNAL_DIRECTORY } from './journal/journal.ts';
import { matchBlobsToDisks } from './matching.ts';
import { type NamedTarget, type OpenProvider, openProvider, preflight } from './provider.ts';
import type { BackupRequest } from './request.ts';
import type { ScheduleInput } from './schedule/schedule-types.ts';
import { stuckFirst } from './schedule/stuck-first.ts';
import { scheduleInput } from './schedule/topology.ts';
import { requireSameFileSystems } from './verify-storage.ts';
import { type Behind, knownDisks, UNKNOWN_DISK } from './whole-set/behind.ts';

/** Everything a freeze needs, opened, connected and checked. */
export interface Prepared {
  readonly plan: PlanReading;
  readonly freezer: Freezer;
  readonly provider: OpenProvider;
  /** One for each requested blob, in order; a single one if the host or a command takes the snapshots. */
  readonly targets: readonly RunTarget[];
  /** Its waves are those of the plan, but file systems that were stuck in earlier runs come first. */
  readonly schedule: ScheduleInput;
}

/** A target, and what is known of its disks. */
export interface RunTarget extends NamedTarget {
  readonly behind: Behind;
}

/**
 * Does everything that can fail for another reason than the freeze itself: reads the plan, opens every mount point,
 * connects to every blob and reads its beginning. The resources belong to the run.
 *
 * @throws FlashfreezeError with exit code 2; nothing has been frozen then
 */
export async function prepare(context: RunContext): Promise<Prepared> {
  const { request } = context;
  const provider = await openProvider(context);
  using answering = request.freeze ? await readAnsweringPlan(request.selection) : undefined;
  const plan = answering?.plan ?? (await planWithoutFreeze());
  for (const warning of plan.warnings ?? []) {
    context.warn(warning);
  }
  const mountPoints = plan.fileSystems.map(
    ({ mountPoint }) => answering?.openings.pathOf(mountPoint) ?? mountPoint,
  );
  const freezer = await context.own(
    Freezer.open(mountPoints, (event) => context.freezerEvents.tell(event), {
      ledgerDirectory: JOURNAL_DIRECTORY,
    }),
  );
  requireSameFileSystems(plan, freezer);
  await refuseMaintenance(request.btrfsMaintenance, plan, freezer);
  const behind = await disksBehind(context, plan, provider, await preflight(provider));
  const targets = provider.targets.map((target, index) => ({
    ...target,
    behind: behind[index] ?? UNKNOWN_DISK,
  }));
  const stuckBefore = await readFreezeOrder(plan.fileSystems);
  const waves = stuckFirst(plan.fileSystems, plan.waves, stuckBefore);
  const schedule = scheduleInput({ ...plan, waves }, knownDisks(targets), request);
  return { plan, freezer, provider, targets, schedule };
}

/** Continues the run without a freeze, because the application does not want one. */
export function withoutFreeze(prepared: Prepared, request: BackupRequest): Prepared {
  const plan = { ...prepared.plan, fileSystems: [], waves: [], thawsAfter: [] };
  return {
    ...prepared,
    plan,
    schedule: scheduleInput(plan, knownDisks(prepared.targets), request),
  };
}

/** A plan with disks only, which are needed to find the disk behind each blob. */
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

/** The host and a command have one target that stands for several disks, so it is not matched to a single disk. */
async function disksBehind(
  context: RunContext,
  plan: PlanReading,
  { kind }: OpenProvider,
  preflights: readonly Preflight[],
): Promise<Behind[]> {
  const { request } = context;
  switch (kind) {
    case 'guest':
      return await matchBlobsToDisks(request, plan, preflights, context);
    case 'host':
      return [{ kind: 'all-of', disks: disksOfHost(plan, request.includedLuns) }];
    case 'command':
      return [{ kind: 'command' }];
  }
}

/** The VM's own disks that the request to the host covers; a disk without a known LUN counts as covered. */
function disksOfHost({ disks, otherDisks }: PlanReading, luns: readonly number[] = []): string[] {
  const isWanted = ({ role, lun }: Disk): boolean =>
    luns.length === 0 || luns.includes(role === 'os' ? OS_DISK_LUN : (lun ?? luns[0] ?? 0));
  return [...disks, ...(otherDisks ?? []).filter(({ role }) => role !== undefined)]
    .filter((disk) => disk.role !== 'temporary' && isWanted(disk))
    .map(({ name }) => name);
}
