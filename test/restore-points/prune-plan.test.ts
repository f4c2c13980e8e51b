import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { restorePointsOf } from '../../src/restore-points/group.ts';
import {
  inOrderOfDeletion,
  type PruneWishes,
  planPrune,
} from '../../src/restore-points/prune-plan.ts';
import type { Doubt, RestorePoint, Worth } from '../../src/restore-points/restore-point.ts';
import { suite } from '../suite.ts';
import { MIDNIGHT, manifestOf, membersOf } from './fixtures/members.ts';

const test = suite('what prune removes');

const DAY = 86_400_000;
const NOW = new Date(MIDNIGHT.getTime() + 12 * 3_600_000);

const PLAIN: PruneWishes = {
  rule: { last: 1 },
  incomplete: false,
  acceptUnrecorded: false,
  allowNoneLeft: false,
  matches: () => true,
  isListed: () => true,
};

/** A restore point of three disks so many days ago. */
function point(daysAgo: number, worth: Worth, vm = 'vm-of-db1', count = 3): RestorePoint {
  const takenAt = new Date(MIDNIGHT.getTime() - daysAgo * DAY);
  const run = `${worth}-${daysAgo}`;
  const members = membersOf(count, { run, takenAt, vm });
  const present = worth === 'incomplete' ? members.slice(1) : members;
  const restorable = worth === 'complete';
  const [found] = restorePointsOf(
    present,
    worth === 'complete' || worth === 'inconsistent' ? [manifestOf(members, { restorable })] : [],
  );
  assert.ok(found?.worth === worth, `${found?.worth} in place of ${worth}`);
  return found;
}

/** The identifiers of what is removed, in the order of deletion. */
function removed(points: readonly RestorePoint[], wishes: Partial<PruneWishes> = {}): string[] {
  const verdicts = planPrune(points, { ...PLAIN, ...wishes }, NOW);
  assert.equal(
    verdicts.map((it) => it.point),
    points,
  );
  assert.ok(verdicts.every(({ reasons }) => reasons.length > 0));
  return inOrderOfDeletion(verdicts).map(({ id }) => id);
}

test('the night after a refusal, --keep-last 1 keeps the last complete set', () => {
  const points = [point(0, 'incomplete'), point(1, 'complete'), point(2, 'complete')];
  assert.equal(removed(points), ['complete-2']);
  assert.equal(removed(points, { incomplete: true }), ['incomplete-0', 'complete-2']);
});

test('only complete sets count; what was not recorded is left alone, unless it is accepted', () => {
  const points = [
    point(0, 'notRecorded'),
    point(1, 'inconsistent'),
    point(2, 'complete'),
    point(3, 'notRecorded'),
    point(4, 'complete'),
  ];
  assert.equal(removed(points), ['complete-4']);
  assert.equal(removed(points, { acceptUnrecorded: true }), ['complete-4', 'notRecorded-3']);
  assert.equal(
    removed(points, { acceptUnrecorded: true, incomplete: true }),
    ['inconsistent-1', 'complete-4', 'notRecorded-3'],
    'the last complete one stays beside the accepted one',
  );
});

/** Of one disk of the three, in the middle of the day before. */
const noon = (daysAgo: number): RestorePoint => point(daysAgo + 0.5, 'complete', 'vm-of-db1', 1);
const night = (daysAgo: number): RestorePoint => point(daysAgo, 'complete');

test('a set of fewer disks takes the place of no larger one', () => {
  const points = [0, 1, 2, 3, 4].flatMap((day) => [night(day), noon(day)]);
  assert.equal(removed(points, { rule: { daily: 7 } }), []);
  assert.equal(removed(points, { rule: { last: 2 } }), [
    ...['complete-4.5', 'complete-4', 'complete-3.5', 'complete-3', 'complete-2.5'],
    ...['complete-2', 'complete-1.5'],
  ]);
  assert.equal(removed(points, { rule: { olderThanMs: 1 } }).includes('complete-0'), false);
  const later = [noon(0), noon(0.1), night(1), night(2)];
  assert.equal(removed(later, { rule: { last: 1 } }), ['complete-2', 'complete-0.6']);
  assert.equal(removed(later, { rule: { olderThanMs: 1 } }), ['complete-2', 'complete-0.6']);
});

test('a set of more disks does take it: a disk was added to the machine', () => {
  const points = [night(0), night(1), noon(2), noon(3)];
  assert.equal(removed(points, { rule: { last: 3 } }), ['complete-3.5']);
  assert.equal(removed(points, { rule: { last: 1 } }), [
    'complete-3.5',
    'complete-2.5',
    'complete-1',
  ]);
});

test('the last complete set stays, whatever the rule, unless --allow-none-left', () => {
  const old = [point(100, 'complete'), point(101, 'complete')];
  const wishes = { rule: { olderThanMs: DAY } };
  assert.equal(removed(old, wishes), ['complete-101']);
  assert.equal(removed(old, { ...wishes, allowNoneLeft: true }), ['complete-101', 'complete-100']);
  const unrecorded = [point(100, 'notRecorded'), point(101, 'notRecorded')];
  const accepting = { ...wishes, acceptUnrecorded: true };
  assert.equal(removed(unrecorded, accepting), ['notRecorded-101']);
  assert.equal(removed([point(0, 'incomplete'), ...unrecorded], accepting), ['notRecorded-101']);
});

test('each machine is by itself', () => {
  const points = [point(1, 'complete', 'a'), point(2, 'complete', 'b'), point(3, 'complete', 'b')];
  assert.equal(removed(points), ['complete-3']);
});

test('what does not match neither counts nor goes', () => {
  const points = [point(1, 'complete'), point(2, 'complete'), point(3, 'complete')];
  const matches = ({ id }: RestorePoint): boolean => id !== 'complete-1';
  assert.equal(removed(points, { matches }), ['complete-3']);
});

test('an incomplete set may be one of a run that goes on', () => {
  const young = restorePointsOf(
    membersOf(3, { run: 'young', takenAt: new Date(NOW.getTime() - 3_500_000) }).slice(1),
    [],
  );
  const points = [...young, point(1, 'complete'), point(2, 'incomplete')];
  assert.equal(removed(points, { incomplete: true }), ['incomplete-2']);
});

test('an incomplete set stays if its other snapshots may lie in a container that was not given', () => {
  const elsewhere = [point(1, 'incomplete'), point(2, 'incomplete'), point(3, 'complete', 'other')];
  assert.equal(removed(elsewhere, { incomplete: true }), []);
  const members = membersOf(3, { run: 'split', takenAt: new Date(MIDNIGHT.getTime() - DAY) });
  const [split] = restorePointsOf(members.slice(1), [manifestOf(members)]);
  assert.is(split?.worth, 'incomplete');
  const points = split === undefined ? [] : [split, point(2, 'complete')];
  assert.equal(removed(points, { incomplete: true, isListed: (it) => !it.includes('disk1') }), []);
  assert.equal(removed(points, { incomplete: true }), ['split']);
});

test('the last set of a machine stays even if it is worth nothing', () => {
  const points = [point(1, 'inconsistent'), point(2, 'inconsistent')];
  assert.equal(removed(points, { incomplete: true }), ['inconsistent-2']);
  assert.is(removed(points, { incomplete: true, allowNoneLeft: true }).length, 2);
});

test('a manifest without snapshots is removed as incomplete', () => {
  const members = membersOf(3, { run: 'gone', takenAt: new Date(MIDNIGHT.getTime() - 9 * DAY) });
  const [gone] = restorePointsOf([], [manifestOf(members)]);
  const points = gone === undefined ? [] : [point(1, 'complete'), gone];
  assert.equal(removed(points), []);
  assert.equal(removed(points, { incomplete: true }), ['gone']);
});

test('a set of which it is not known what belongs to it stays, and protects and replaces no other', () => {
  const doubts = ['manifestUnread', 'onBlob'] as const;
  const doubtful = (daysAgo: number, its: Worth, doubt: Doubt): RestorePoint => ({
    ...point(daysAgo, its),
    doubt,
  });
  const wishes = { rule: { last: 1 }, incomplete: true };
  const others = [point(2, 'complete'), point(3, 'complete')];
  const worths = ['complete', 'incomplete', 'inconsistent', 'notRecorded'] as const;
  for (const [its, doubt] of worths.flatMap((it) => doubts.map((of) => [it, of] as const))) {
    assert.equal(removed([doubtful(1, its, doubt), ...others], wishes), ['complete-3'], its);
    const old = { ...wishes, rule: { olderThanMs: 0 } };
    assert.equal(removed([doubtful(1, its, doubt), ...others], old), ['complete-3'], its);
    assert.equal(removed([...others, doubtful(9, its, doubt)], old), ['complete-3'], its);
    assert.equal(removed([doubtful(1, its, doubt)], { ...old, allowNoneLeft: true }), [], its);
  }
});

const worth = fc.constantFrom<Worth>('complete', 'notRecorded', 'incomplete', 'inconsistent');
const somePoints = fc
  .array(fc.record({ worth, vm: fc.constantFrom('a', 'b') }), { maxLength: 12 })
  .map((parts) => parts.map((it, daysAgo) => point(daysAgo, it.worth, it.vm)));
const someWishes = fc.record({
  rule: fc.record(
    {
      last: fc.integer({ min: 1, max: 3 }),
      weekly: fc.integer({ min: 1, max: 3 }),
      olderThanMs: fc.integer({ min: 0, max: 9 * DAY }),
    },
    { requiredKeys: [] },
  ),
  incomplete: fc.boolean(),
  acceptUnrecorded: fc.boolean(),
});

test('whatever is asked for, each machine keeps its newest complete set and something', () => {
  fc.assert(
    fc.property(somePoints, someWishes, (points, wishes) => {
      const gone = new Set(removed(points, wishes));
      for (const ofMachine of Map.groupBy(points, ({ vm }) => vm).values()) {
        const newest = ofMachine.find((it) => it.worth === 'complete');
        assert.ok(newest === undefined || !gone.has(newest.id));
        assert.ok(ofMachine.some(({ id }) => !gone.has(id)));
      }
      for (const it of points.filter(({ id }) => gone.has(id))) {
        assert.ok(wishes.acceptUnrecorded || it.worth !== 'notRecorded');
        assert.ok(wishes.incomplete || !['incomplete', 'inconsistent'].includes(it.worth));
      }
    }),
  );
});

test.run();
