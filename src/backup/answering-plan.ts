import type { FileSystem, OpeningFault, Plan, Selection } from '../filesystems/plan-types.ts';
import { type PlanReading, readPlan } from '../filesystems/read-plan.ts';
import { type MountOpening, MountOpenings } from '../freezer/open-mounts.ts';
import { resourceAdvice } from '../system/native-errors.ts';

/** Limit of rounds in which mount points are left out; another one may fall silent in each round. */
const MAX_ROUNDS = 3;

/** A plan of file systems whose mount points answer. */
export interface AnsweringPlan extends Disposable {
  readonly plan: PlanReading;
  /** The opened mount points of all file systems of the plan. */
  readonly openings: MountOpenings;
}

/** What the attempts to open mount points have shown so far. */
type Faults = Required<Pick<Selection, 'faulty' | 'notOpenable'>>;

/**
 * Reads the plan and opens all its mount points. If one cannot be opened, or does not answer within the limit (without
 * a limit, opening it would block the run), another mount point of the file system takes its place. A file system
 * without a mount point that can be opened, and one that is dead, is left out of the plan: it must not cost the backup
 * of the others.
 *
 * A limit of this process or machine (EMFILE) is no fault of a mount point; nor is a refusal if this process is not
 * root's.
 *
 * @throws as `readPlan`; FlashfreezeError FF_ADDON_MISSING
 */
export async function readAnsweringPlan(selection: Selection): Promise<AnsweringPlan> {
  const { faulty = [], notOpenable = [] } = selection;
  let faults: Faults = { faulty, notOpenable };
  for (let round = 1; ; round += 1) {
    const plan = await readPlan({ ...selection, ...faults });
    const openings = await MountOpenings.open(plan.fileSystems.map(({ mountPoint }) => mountPoint));
    const failed = plan.fileSystems.filter(({ mountPoint }) => isFault(openings.of(mountPoint)));
    if (failed.length === 0 || round === MAX_ROUNDS) {
      return { plan, openings, [Symbol.dispose]: () => openings[Symbol.dispose]() };
    }
    const found = await lookForOthers(failed, openings);
    openings[Symbol.dispose]();
    faults = {
      faulty: [...faults.faulty, ...found.faulty],
      notOpenable: [...faults.notOpenable, ...found.notOpenable],
    };
  }
}

function isFault(opening: MountOpening): boolean {
  switch (opening.kind) {
    case 'opened':
      return false;
    case 'failed':
      return !isOfThisProcess(opening.errno);
    default:
      return true;
  }
}

function isOfThisProcess(errno: string): boolean {
  const isRefusal = errno === 'EACCES' || errno === 'EPERM';
  return resourceAdvice(errno) !== undefined || (isRefusal && process.geteuid?.() !== 0);
}

/** Opens the other mount points of file systems that could not be opened; these openings are closed again. */
async function lookForOthers(
  failed: readonly FileSystem[],
  openings: MountOpenings,
): Promise<Faults> {
  const living = failed.filter(({ mountPoint }) => openings.of(mountPoint).kind !== 'dead');
  const othersOf = ({ mountPoint, mountPoints }: FileSystem): readonly string[] =>
    mountPoints.filter((it) => it !== mountPoint);
  using others = await MountOpenings.open(living.flatMap(othersOf));
  const openingOf = (mountPoint: string, own: FileSystem): MountOpening =>
    (mountPoint === own.mountPoint ? openings : others).of(mountPoint);
  return {
    faulty: failed.flatMap((it) => {
      const tried = [it.mountPoint, ...(living.includes(it) ? othersOf(it) : [])];
      const reason = faultOf(tried.map((mountPoint) => openingOf(mountPoint, it)));
      return reason === undefined ? [] : [{ device: it.device, reason }];
    }),
    notOpenable: living.flatMap((it) =>
      it.mountPoints.filter((mountPoint) => isFault(openingOf(mountPoint, it))),
    ),
  };
}

/** Why a file system is left out; undefined if one of its mount points can be opened. Pure. */
export function faultOf(tried: readonly MountOpening[]): OpeningFault | undefined {
  const has = (kind: MountOpening['kind']): boolean => tried.some((it) => it.kind === kind);
  if (has('dead')) {
    return 'dead';
  }
  if (!tried.every(isFault)) {
    return undefined;
  }
  return has('no-answer') ? 'no-answer' : 'not-openable';
}

/** The selection for another reading of this machine; it leaves out what could not be opened. Pure. */
export function withoutFaulty(
  selection: Selection,
  { excluded }: Pick<Plan, 'excluded'>,
): Selection {
  const faulty = excluded.flatMap(({ device, reason }) =>
    isOpeningFault(reason) ? [{ device, reason }] : [],
  );
  return faulty.length === 0 ? selection : { ...selection, faulty };
}

function isOpeningFault(reason: Plan['excluded'][number]['reason']): reason is OpeningFault {
  return reason === 'no-answer' || reason === 'dead' || reason === 'not-openable';
}
