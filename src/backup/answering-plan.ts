import type { Plan, Selection } from '../filesystems/plan-types.ts';
import { type PlanReading, readPlan } from '../filesystems/read-plan.ts';
import { MountOpenings } from '../freezer/open-mounts.ts';
import type { DeviceNumber } from '../system/device-number.ts';

/** Limit of rounds in which silent mount points are left out; another one may fall silent in each round. */
const MAX_ROUNDS = 3;

/** A plan of file systems whose mount points answer. */
export interface AnsweringPlan extends Disposable {
  readonly plan: PlanReading;
  /** The opened mount points of all file systems of the plan. */
  readonly openings: MountOpenings;
}

/**
 * Reads the plan and opens all its mount points. Mount points that do not answer within the limit are left out of the
 * plan (`no-answer`): without a limit, opening one would block the run.
 *
 * @throws as `readPlan`; FlashfreezeError FF_ADDON_MISSING
 */
export async function readAnsweringPlan(selection: Selection): Promise<AnsweringPlan> {
  const silent = new Set<DeviceNumber>(selection.silent);
  for (let round = 1; ; round += 1) {
    const plan = await readPlan({ ...selection, silent: [...silent] });
    const openings = await MountOpenings.open(plan.fileSystems.map(({ mountPoint }) => mountPoint));
    const late = plan.fileSystems.filter(
      ({ mountPoint }) => openings.of(mountPoint).kind === 'no-answer',
    );
    if (late.length === 0 || round === MAX_ROUNDS) {
      return { plan, openings, [Symbol.dispose]: () => openings[Symbol.dispose]() };
    }
    openings[Symbol.dispose]();
    for (const { device } of late) {
      silent.add(device);
    }
  }
}

/** The selection for another reading of this machine; it does not wait for silent mount points again. Pure. */
export function withoutSilent(
  selection: Selection,
  { excluded }: Pick<Plan, 'excluded'>,
): Selection {
  const silent = excluded.filter(({ reason }) => reason === 'no-answer');
  return silent.length === 0
    ? selection
    : { ...selection, silent: silent.map(({ device }) => device) };
}
