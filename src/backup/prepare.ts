import { FlashfreezeError } from '../errors.ts';
import type { OpenFileSystem } from '../filesystems/btrfs/read-maintenance.ts';
import { type Disk, OS_DISK_LUN } from '../filesystems/plan-types.ts';
import { type PlanReading, readDisks } from '../filesystems/read-plan.ts';
import {
  describeForbidden,
  forbiddenByPolicy,
  REMEDY_FOR_POLICY,
} from '../filesystems/security-policy.ts';
import type { Freezer } from '../freezer/freezer.ts';
import { machineAuthorities } from '../snapshot/http/authorities.ts';
import type { Preflight } from '../snapshot/snapshot-types.ts';
import { openFileSystems, refuseMaintenance } from './btrfs-maintenance.ts';
import type { RunContext } from './context.ts';
import { readFreezeOrder } from './freeze-order-file.ts';
import { behindManaged } from './managed-matching.ts';
import { matchBlobsToDisks, refuseIncomplete } from './matching.ts';
import { describeSnapshots } from './memberships.ts';
import { type OpenPlan, openFreezer, openPlan } from './open-plan.ts';
import { type NamedTarget, type OpenProvider, openProvider, preflight } from './provider.ts';
import type { ScheduleInput } from './schedule/schedule-types.ts';
import { scheduleInput } from './schedule/topology.ts';
import { changeBetween } from './verify-storage.ts';
import { type Behind, knownDisks, UNKNOWN_DISK } from './whole-set/behind.ts';

/** Everything a freeze needs, opened, connected and checked. */
export interface Prepared {
  readonly plan: PlanReading;
  readonly freezer: Freezer;
  readonly provider: OpenProvider;
  /** What the provider's targets have answered: size and first bytes of each blob, size of each managed disk. */
  readonly preflights: readonly Preflight[];
  /** One for each requested blob or managed disk, in order; a single one if the host or a command takes the snapshots. */
  readonly targets: readonly RunTarget[];
  /** Its waves are those of the plan; a window orders them by what is known right before it (window-run.ts). */
  readonly schedule: ScheduleInput;
  /** Indexes of file systems that were stuck in earlier runs: they are frozen first. */
  readonly stuckBefore: readonly number[];
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
  const provider = await openProvider(context);
  warnOfAuthorities(context, provider);
  const opened = context.request.freeze
    ? await openPlan(context)
    : await planWithoutFreeze(context);
  await checkPlan(context, opened);
  const preflights = await preflight(provider);
  const targets = await targetsBehind(context, opened.plan, provider, preflights);
  return await withSchedule(context, opened, { provider, preflights, targets });
}

/** A failed TLS connection names this as well; but the run may need none of the authorities. */
function warnOfAuthorities(context: RunContext, { kind }: OpenProvider): void {
  const { problem } = kind === 'guest' || kind === 'managed' ? machineAuthorities() : {};
  if (problem !== undefined) {
    context.warnOnce(problem);
  }
}

/**
 * Makes the plan again, because what is mounted has changed or may have changed. The connections stay open.
 *
 * @param before its freezer is closed
 * @throws as `prepare`
 */
export async function planAgain(context: RunContext, before: Prepared): Promise<Prepared> {
  const opened = await openWhatIsLeft(context);
  await checkPlan(context, opened);
  const { provider, preflights } = before;
  const targets =
    changeBetween(before.plan, opened.plan) === undefined
      ? before.targets
      : await targetsBehind(context, opened.plan, provider, preflights);
  return await withSchedule(context, opened, { provider, preflights, targets });
}

/** A pre-script may have unmounted everything, or made it read-only: then nothing has to be frozen. */
async function openWhatIsLeft(context: RunContext): Promise<OpenPlan> {
  try {
    return await openPlan(context);
  } catch (error) {
    if (error instanceof FlashfreezeError && error.code === 'FF_NOTHING_TO_FREEZE') {
      context.warn(`nothing is left to freeze: ${error.message}`);
      return await planWithoutFreeze(context);
    }
    throw error;
  }
}

async function checkPlan(context: RunContext, { plan, freezer }: OpenPlan): Promise<void> {
  for (const warning of plan.warnings ?? []) {
    context.warnOnce(warning);
  }
  refuseForbidden(openFileSystems(plan, freezer));
  await refuseMaintenance(context.request.btrfsMaintenance, plan, freezer);
}

/** Before an application is quiesced: the freeze would find out too late. */
function refuseForbidden(fileSystems: readonly OpenFileSystem[]): void {
  const forbidden = forbiddenByPolicy(fileSystems);
  if (forbidden.length > 0) {
    throw new FlashfreezeError(
      'FF_FREEZE_FAILED',
      `${describeForbidden(forbidden)}; nothing was frozen. Do this: ${REMEDY_FOR_POLICY}.`,
    );
  }
}

async function targetsBehind(
  context: RunContext,
  plan: PlanReading,
  provider: OpenProvider,
  preflights: readonly Preflight[],
): Promise<RunTarget[]> {
  const behind = await disksBehind(context, plan, provider, preflights);
  const targets = provider.targets.map((target, index) => ({
    ...target,
    behind: behind[index] ?? UNKNOWN_DISK,
  }));
  await describeSnapshots(context.restorePoint, plan, provider, targets);
  return targets;
}

async function withSchedule(
  { request }: RunContext,
  { plan, freezer }: OpenPlan,
  connected: Pick<Prepared, 'provider' | 'preflights' | 'targets'>,
): Promise<Prepared> {
  const stuckBefore = await readFreezeOrder(plan.fileSystems);
  const { provider, preflights, targets } = connected;
  const schedule = scheduleInput(plan, knownDisks(targets), request);
  return { plan, freezer, provider, preflights, targets, schedule, stuckBefore };
}

/** The plan without file systems, for a run that goes on without a freeze because the application does not want one. */
export async function withoutFreeze(context: RunContext, prepared: Prepared): Promise<Prepared> {
  const plan = { ...prepared.plan, fileSystems: [], waves: [], thawsAfter: [] };
  const freezer = await openFreezer(context, []);
  return await withSchedule(context, { plan, freezer }, prepared);
}

/** A plan with disks only, which are needed to find the disk behind each blob. */
async function planWithoutFreeze(context: RunContext): Promise<OpenPlan> {
  const plan: PlanReading = {
    fileSystems: [],
    waves: [],
    thawsAfter: [],
    daemons: [],
    disks: [],
    otherDisks: await readDisks(),
    excluded: [],
  };
  return { plan, freezer: await openFreezer(context, []) };
}

/** The host and a command have one target that stands for several disks, so it is not matched to a single disk. */
async function disksBehind(
  context: RunContext,
  plan: PlanReading,
  { kind, targets }: OpenProvider,
  preflights: readonly Preflight[],
): Promise<Behind[]> {
  const { request } = context;
  switch (kind) {
    case 'managed': {
      const behind = behindManaged(plan, targets, preflights, context);
      if (request.strictMatch) {
        refuseIncomplete(request, plan, targets, behind);
      }
      return behind;
    }
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
