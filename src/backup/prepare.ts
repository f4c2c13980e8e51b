import { FlashfreezeError } from '../errors.ts';
import { type PlanReading, readPlan } from '../filesystems/read-plan.ts';
import { thisMachine } from '../filesystems/system-view.ts';
import { Freezer } from '../freezer/freezer.ts';
import type { FreezerEvent } from '../freezer/model.ts';
import type { Preflight, SnapshotEvent, SnapshotTaker } from '../snapshot/model.ts';
import { JOURNAL_DIRECTORY } from './journal/journal.ts';
import { readLearntOrder } from './learnt-order.ts';
import { matchTargets } from './matching.ts';
import { preflightError } from './preflight.ts';
import type { Relay } from './relay.ts';
import type { BackupRequest, RunObserver } from './request.ts';
import { requireSameFileSystems } from './same-plan.ts';
import { stuckFirst } from './schedule/stuck-first.ts';
import { openTaker, type TakenBy, takenBy, targetNames } from './taker.ts';

/** Everything a freeze needs, opened, connected and checked. */
export interface Prepared {
  readonly plan: PlanReading;
  /** What the plan was made from, or older. */
  readonly mountinfo: Uint8Array;
  /** The plan's waves, those first that were stuck in earlier runs. */
  readonly waves: readonly (readonly number[])[];
  readonly freezer: Freezer;
  readonly taker: SnapshotTaker;
  readonly takenBy: TakenBy;
  /** One for each requested blob, in order; where the host takes the snapshots a single one. */
  readonly targets: readonly Target[];
}

export interface Target {
  /** URL without its query, or the name of the host service or command. */
  readonly blob: string;
  /** Kernel name of the disk behind it, where it is known. */
  readonly disk: string | undefined;
}

/** For each target the disk behind it. */
export function disksOf({ targets }: Prepared): (string | undefined)[] {
  return targets.map(({ disk }) => disk);
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
  const mountinfo = await thisMachine.mountinfo();
  const plan = request.freeze ? await readPlan(request.selection) : await planWithoutFreeze();
  for (const warning of plan.warnings ?? []) {
    observer.warn(warning);
  }
  const mountPoints = plan.fileSystems.map(({ mountPoint }) => mountPoint);
  const freezer = await kept(
    resources,
    Freezer.open(mountPoints, (event) => relays.freezer.tell(event), {
      ledgerDirectory: JOURNAL_DIRECTORY,
    }),
  );
  requireSameFileSystems(plan, freezer);
  const preflights = await taker.preflight();
  const error = preflightError(preflights, names, takenBy(request));
  if (error !== undefined) {
    throw error;
  }
  const disks = await disksBehind(request, plan, preflights, names, observer);
  const learnt = await readLearntOrder(plan.fileSystems);
  return {
    plan,
    mountinfo,
    waves: stuckFirst(plan.fileSystems, plan.waves, learnt),
    freezer,
    taker,
    takenBy: takenBy(request),
    targets: names.map((blob, index) => ({ blob, disk: disks[index] })),
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
  const plan = await readPlan({ include: [], skip: [] }).catch((error: unknown) => {
    if (error instanceof FlashfreezeError && error.code === 'FF_NOTHING_TO_FREEZE') {
      return undefined;
    }
    throw error;
  });
  return {
    fileSystems: [],
    waves: [],
    thawsAfter: [],
    daemons: [],
    disks: plan?.disks ?? [],
    otherDisks: plan?.otherDisks ?? [],
    excluded: [],
  };
}

/** What the host or a command snapshots may be any disk, so its one target is matched to none. */
async function disksBehind(
  request: BackupRequest,
  plan: PlanReading,
  preflights: readonly Preflight[],
  names: readonly string[],
  observer: RunObserver,
): Promise<(string | undefined)[]> {
  return takenBy(request) === 'guest'
    ? await matchTargets(request, plan, preflights, names, observer)
    : names.map(() => undefined);
}
