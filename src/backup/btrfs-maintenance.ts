import type { BtrfsMaintenance } from '../config/vmbackup.ts';
import { FlashfreezeError } from '../errors.ts';
import { type Balance, pauseBalance, resumeBalance } from '../filesystems/btrfs/balance.ts';
import {
  courseOf,
  describeMaintenance,
  type MaintainedFileSystem,
  type MaintenanceCourse,
  remedyFor,
} from '../filesystems/btrfs/maintenance.ts';
import { type OpenFileSystem, readMaintenance } from '../filesystems/btrfs/read-maintenance.ts';
import type { Plan } from '../filesystems/plan-types.ts';
import { describeResize, readResizes } from '../filesystems/resizing.ts';
import type { Freezer } from '../freezer/freezer.ts';
import type { AnsweringPlan } from './answering-plan.ts';
import type { RunContext } from './context.ts';
import { notePendingCleanup } from './journal/pending-cleanup.ts';

/** Balances that are paused until the end of a run. */
export interface PausedBalances {
  /** Resumes them; further calls change nothing. Never rejects. */
  resume(): Promise<void>;
}

/** An aborted run waits this long for a balance that is still pausing; then the next command resumes it. */
const PENDING_PAUSE_LIMIT_MS = 5_000;

/**
 * Refuses a run that a resize or a long btrfs operation would delay, unless the run will pause the operation.
 *
 * @throws FlashfreezeError FF_BTRFS_BUSY, FF_RESIZE_RUNNING
 */
export async function refuseMaintenance(
  mode: BtrfsMaintenance,
  plan: Plan,
  freezer: Freezer,
): Promise<void> {
  await refuseResize(plan);
  const found = await readMaintenance(openFileSystems(plan, freezer));
  const refused = found.find(({ operation }) => courseOf(operation, mode) === 'refuse');
  if (refused !== undefined) {
    throw busy(refused);
  }
}

/**
 * The last check: an operation may have started or resumed since the first one. A balance is refused as well, because
 * there is no time left to pause it.
 *
 * @throws FlashfreezeError FF_BTRFS_BUSY, FF_RESIZE_RUNNING
 */
export async function requireNoMaintenance(
  mode: BtrfsMaintenance,
  plan: Plan,
  freezer: Freezer,
): Promise<void> {
  await refuseResize(plan);
  const [found] = mode === 'ignore' ? [] : await readMaintenance(openFileSystems(plan, freezer));
  if (found !== undefined) {
    throw busy(found);
  }
}

/**
 * Pauses the running balances. They resume after the run, also if it fails (`resources`) or dies: a note is written
 * first, and the next command then resumes them.
 *
 * @throws FlashfreezeError FF_BTRFS_BUSY if one does not pause, FF_INTERRUPTED
 */
export async function pauseBalances(
  context: RunContext,
  plan: Plan,
  freezer: Freezer,
): Promise<PausedBalances> {
  const mode = context.request.btrfsMaintenance;
  const found = await readMaintenance(openFileSystems(plan, freezer));
  const balances = found.filter(({ operation }) => courseOf(operation, mode) === 'pause');
  if (balances.length === 0) {
    return { resume: async () => {} };
  }
  const markDone = await notePendingCleanup(balances.map(pendingBalance));
  let resumed: Promise<void> | undefined;
  const resume = (): Promise<void> => {
    resumed ??= resumeAll(balances, context, markDone);
    return resumed;
  };
  context.resources.defer(resume);
  for (const balance of balances) {
    context.warn(`the btrfs balance of ${balance.mountPoint} is paused for this run`);
  }
  const failures = await context.unlessAborted(
    Promise.all(balances.map((balance) => pauseBalance(balance, context.abort))),
  );
  context.throwIfAborted();
  const failed = failures.findIndex((failure) => failure !== undefined);
  const balance = balances[failed];
  if (balance !== undefined) {
    throw busy(balance, `; it could not be paused: ${failures[failed]}`);
  }
  return { resume };
}

async function resumeAll(
  balances: readonly MaintainedFileSystem[],
  context: RunContext,
  markDone: Awaited<ReturnType<typeof notePendingCleanup>>,
): Promise<void> {
  const pauseLimitMs = context.abort.aborted ? PENDING_PAUSE_LIMIT_MS : 0;
  const failures = await Promise.all(balances.map((it) => resumeBalance(it, pauseLimitMs)));
  const left = balances.filter((_, index) => failures[index] !== undefined);
  for (const [index, failure] of failures.entries()) {
    if (failure !== undefined) {
      context.warn(
        `cannot resume the paused btrfs balance of ${balances[index]?.mountPoint}: ${failure}; the next command will retry`,
      );
    }
  }
  await markDone(left.map(pendingBalance)).catch((error: unknown) => {
    context.warn(`cannot remove the note of the paused btrfs balances: ${String(error)}`);
  });
}

function pendingBalance({ mountPoint, fsid }: Balance): { readonly kind: 'balance' } & Balance {
  return { kind: 'balance', mountPoint, fsid };
}

/** A running resize or btrfs operation, for commands that freeze nothing. */
export interface Maintenance {
  /** Of a run that is refused. */
  readonly code: 'FF_BTRFS_BUSY' | 'FF_RESIZE_RUNNING';
  readonly sentence: string;
  readonly remedy: string;
  readonly course: MaintenanceCourse;
}

/** The resizes and btrfs operations that a run would find now. Neither pauses nor refuses anything. */
export async function maintenanceOf(
  answering: Pick<AnsweringPlan, 'plan' | 'openings'>,
  mode: BtrfsMaintenance,
): Promise<Maintenance[]> {
  const [resizes, operations] = await Promise.all([
    readResizes(answering.plan.fileSystems),
    readMaintenance(openedIn(answering)),
  ]);
  return [
    ...resizes.map(
      (found): Maintenance => ({
        ...{ code: 'FF_RESIZE_RUNNING', course: 'refuse' },
        ...{ sentence: describeResize(found), remedy: 'wait for its end' },
      }),
    ),
    ...operations.map(
      (found): Maintenance => ({
        ...{ code: 'FF_BTRFS_BUSY', course: courseOf(found.operation, mode) },
        ...{ sentence: describeMaintenance(found), remedy: remedyFor(found) },
      }),
    ),
  ];
}

/** A sentence on what a run would do about the operation. Pure. */
export function foretell({ code, sentence, remedy, course }: Maintenance): string {
  switch (course) {
    case 'pause':
      return `${sentence}: a run pauses it and resumes it after the thaw`;
    case 'refuse':
      return `${sentence}: a run ends with ${code}. Do this: ${remedy}`;
    case 'ignore':
      return `${sentence}: a run tries to freeze anyway (btrfsMaintenance = ignore). Better: ${remedy}`;
  }
}

/** As `openFileSystems`, for commands that freeze nothing. */
export function openedIn({
  plan,
  openings,
}: Pick<AnsweringPlan, 'plan' | 'openings'>): OpenFileSystem[] {
  return plan.fileSystems.flatMap(({ mountPoint, type }) => {
    const opening = openings.of(mountPoint);
    return opening.kind === 'opened' ? [{ mountPoint, type, descriptor: opening.descriptor }] : [];
  });
}

export function openFileSystems(
  plan: Pick<Plan, 'fileSystems'>,
  freezer: Pick<Freezer, 'descriptorOf'>,
): OpenFileSystem[] {
  return plan.fileSystems.map(({ mountPoint, type }, index) => ({
    mountPoint,
    type,
    descriptor: freezer.descriptorOf(index),
  }));
}

async function refuseResize({ fileSystems }: Plan): Promise<void> {
  const [found] = await readResizes(fileSystems);
  if (found !== undefined) {
    throw new FlashfreezeError(
      'FF_RESIZE_RUNNING',
      `${describeResize(found)}; nothing was frozen. Run again when it has ended.`,
    );
  }
}

function busy(found: MaintainedFileSystem, why = ''): FlashfreezeError {
  return new FlashfreezeError(
    'FF_BTRFS_BUSY',
    `${describeMaintenance(found)}${why}; nothing was frozen. Do this: ${remedyFor(found)}.`,
  );
}
