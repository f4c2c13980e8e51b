import assert from 'node:assert/strict';
import { judge, type Outcome } from '../../../src/backup/outcome.ts';
import type { Fate, Machine } from './machine.ts';
import type { Played } from './play.ts';

/** Fails if the verdict on a run claims more than the simulated disks show. */
export function requireTruth(machine: Machine, played: Played): Outcome {
  const outcome = judge(played.record);
  const { consistency, isRestorable, diskIsConsistent } = outcome;
  const claimed = diskIsConsistent.flatMap((is, target) => (is ? [target] : []));
  requireOneInstant(machine, played, claimed);
  assert.ok(claimed.every((target) => hasSnapshot(played, target)));
  if (isRestorable || consistency !== 'none') {
    const everyTarget = [...machine.targets.keys()];
    assert.ok(everyTarget.every((target) => hasSnapshot(played, target)));
    assert.equal(isRestorable, consistency === 'fileSystemConsistent');
  }
  if (isRestorable) {
    requireOneInstant(machine, played, [...machine.targets.keys()]);
    assert.ok(canBeWhole(machine, 0, []), 'it is called restorable, and the set cannot be whole');
  }
  return outcome;
}

function hasSnapshot({ record }: Played, target: number): boolean {
  return record.disks[target]?.answer.snapshot !== undefined;
}

/** The snapshots of all these must show one instant. */
function requireOneInstant(
  { targets }: Machine,
  { record, world, takenAt, instant: at }: Played,
  claimed: readonly number[],
): void {
  const instant = at ?? (record.barrier && Number(record.barrier.atNs));
  for (const target of claimed) {
    const { truth } = targets[target] ?? {};
    assert.ok(instant !== undefined, 'it is said to show an instant, and there is none');
    if (truth !== undefined) {
      const shows = world.isContentOf(truth, takenAt[target] ?? 0, instant);
      assert.ok(shows, `${truth} is said to show it, and does not`);
    }
  }
}

/**
 * Whether the set can be whole if each blob of an unknown disk belongs to one of the disks that it may be, or, if the
 * caller accepts that, to another machine; it is unknown to which.
 *
 * @param taken disks of the targets before this one
 */
function canBeWhole(machine: Machine, target: number, taken: readonly string[]): boolean {
  const behind = machine.targets[target]?.behind;
  switch (behind?.kind) {
    case undefined:
      return isWhole(machine, taken);
    case 'disk':
      return canBeWhole(machine, target + 1, [...taken, behind.disk]);
    case 'one-of': {
      const matched = machine.targets.flatMap((it) =>
        it.behind.kind === 'disk' ? [it.behind.disk] : [],
      );
      const isOfDisk = behind.disks
        .filter((disk) => !taken.includes(disk) && !matched.includes(disk))
        .some((disk) => canBeWhole(machine, target + 1, [...taken, disk]));
      return isOfDisk || canBeWholeWithout(machine, target, taken);
    }
    default:
      return canBeWholeWithout(machine, target, taken);
  }
}

function canBeWholeWithout(machine: Machine, target: number, taken: readonly string[]): boolean {
  return machine.wishes.toleratesForeign && canBeWhole(machine, target + 1, taken);
}

/** Fates of file systems that can be frozen, are written to, and are not in the plan. */
const LEFT_OUT: ReadonlySet<Fate> = new Set<Fate>([
  'skipped',
  'not-selected',
  'hidden',
  'other-namespace',
  'no-mount',
  'since',
  'remounted',
]);

function isWhole({ fileSystems, disks, wishes }: Machine, taken: readonly string[]): boolean {
  const isWanted = (disk: string): boolean =>
    wishes.includedLuns?.includes(disks.findIndex(({ name }) => name === disk)) ?? true;
  return fileSystems.every(({ fate, disks: own, disksAfter }) => {
    const inSet = own.filter((disk) => taken.includes(disk));
    if (fate !== 'plan') {
      return !LEFT_OUT.has(fate) || inSet.length === 0;
    }
    const isAbsent = inSet.length === 0 && (wishes.isPartial || !own.some(isWanted));
    return own.join() === disksAfter.join() && (inSet.length === own.length || isAbsent);
  });
}
