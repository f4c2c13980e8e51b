import { FlashfreezeError } from '../errors.ts';
import type { PlanReading } from '../filesystems/read-plan.ts';
import { Freezer } from '../freezer/freezer.ts';
import { readAnsweringPlan } from './answering-plan.ts';
import type { RunContext } from './context.ts';
import { JOURNAL_DIRECTORY } from './journal/journal.ts';
import { requireSameFileSystems } from './verify-storage.ts';

/** On a machine that mounts and unmounts all the time, a plan may be out of date when its mount points are opened. */
const MAX_READINGS = 3;

/** A plan, and the freezer that has opened its mount points. */
export interface OpenPlan {
  readonly plan: PlanReading;
  /** Its file systems are those of the plan, in the same order. Belongs to the run. */
  readonly freezer: Freezer;
}

/**
 * Reads the plan and opens every mount point; reads it again if a mount has changed between the two.
 *
 * @throws as `readPlan`; FlashfreezeError FF_MOUNT_OPEN
 */
export async function openPlan(context: RunContext): Promise<OpenPlan> {
  for (let reading = 1; ; reading += 1) {
    try {
      return await readAndOpen(context);
    } catch (error) {
      const mayHaveChanged = error instanceof FlashfreezeError && error.code === 'FF_MOUNT_OPEN';
      if (!mayHaveChanged || reading === MAX_READINGS) {
        throw error;
      }
    }
  }
}

async function readAndOpen(context: RunContext): Promise<OpenPlan> {
  using answering = await readAnsweringPlan(context.request.selection);
  const { plan, openings } = answering;
  const freezer = await openFreezer(
    context,
    plan.fileSystems.map(({ mountPoint }) => openings.pathOf(mountPoint)),
  );
  try {
    requireSameFileSystems(plan, freezer);
  } catch (error) {
    await freezer[Symbol.asyncDispose]();
    throw error;
  }
  return { plan, freezer };
}

/** Opens the freezer of a run that freezes these mount points; it belongs to the run. */
export async function openFreezer(
  context: RunContext,
  mountPoints: readonly string[],
): Promise<Freezer> {
  const onEvent = context.freezerEvents;
  return await context.own(
    Freezer.open(mountPoints, (event) => onEvent.tell(event), {
      ledgerDirectory: JOURNAL_DIRECTORY,
    }),
  );
}
