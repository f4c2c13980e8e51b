import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { ageMsOf, toPrune } from '../../../src/snapshot/inventory/prune-rule.ts';
import {
  hasMetadata,
  type StoredSnapshot,
  taskOf,
} from '../../../src/snapshot/inventory/stored-snapshot.ts';
import { suite } from '../../suite.ts';

const test = suite('snapshot inventory');
const NOW = new Date('2026-11-22T00:00:00Z');
const DAY_MS = 86_400_000;

function stored(blob: string, ageDays: number): StoredSnapshot {
  const snapshot = new Date(NOW.getTime() - ageDays * DAY_MS).toISOString();
  return { blob, url: `https://a.example/c/${blob}`, snapshot, sizeBytes: 1, metadata: {} };
}

const all = ['a', 'b'].flatMap((blob) => [1, 2, 3, 40, 50].map((age) => stored(blob, age)));

function agesLeftOut(keep: number | undefined, olderThanDays: number | undefined): number[] {
  const olderThanMs = olderThanDays === undefined ? undefined : olderThanDays * DAY_MS;
  return toPrune(all, { keep, olderThanMs }, NOW)
    .filter(({ blob }) => blob === 'a')
    .map(({ snapshot }) => (NOW.getTime() - Date.parse(snapshot)) / DAY_MS);
}

test('by count, by age, or only what both allow; oldest first', () => {
  assert.equal(agesLeftOut(2, undefined), [50, 40, 3]);
  assert.equal(agesLeftOut(undefined, 30), [50, 40]);
  assert.equal(agesLeftOut(4, 30), [50]);
  assert.equal(agesLeftOut(2, 45), [50]);
});

test('without a rule nothing is deleted', () => {
  assert.equal(agesLeftOut(undefined, undefined), []);
});

test('for any rule, the newest of each blob are kept', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(400), { maxLength: 30 }),
      fc.nat(10),
      fc.nat(100),
      (ages, keep, days) => {
        const snapshots = ages.map((age) => stored('a', age));
        const doomed = toPrune(snapshots, { keep, olderThanMs: days * DAY_MS }, NOW);
        const newest = snapshots
          .toSorted((a, b) => b.snapshot.localeCompare(a.snapshot))
          .slice(0, keep);
        return (
          doomed.length <= Math.max(0, snapshots.length - keep) &&
          doomed.every((it) => !newest.includes(it))
        );
      },
    ),
  );
});

test('a snapshot without a readable time is kept', () => {
  const odd = { ...stored('a', 1), snapshot: 'some day' };
  assert.equal(toPrune([odd], { keep: 0, olderThanMs: undefined }, NOW), []);
});

test('reads ages, and refuses other texts', () => {
  assert.equal(['90m', '12h', '30d', '4w'].map(ageMsOf), [
    5_400_000,
    43_200_000,
    30 * DAY_MS,
    28 * DAY_MS,
  ]);
  assert.equal(['30', 'd', '-1d', '1y', '1.5d'].map(ageMsOf), [
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

test('finds the task by blob and time, and metadata in any case of its name', () => {
  const one = stored('a', 1);
  assert.is(taskOf(one, [{ url: one.url, snapshot: one.snapshot, taskId: 't' }]), 't');
  assert.is(
    taskOf(one, [{ url: 'https://a.example/c/b', snapshot: one.snapshot, taskId: 't' }]),
    undefined,
  );
  assert.ok(hasMetadata({ policy: 'daily' }, [['Policy', 'daily']]));
  assert.not.ok(hasMetadata({ policy: 'daily' }, [['Policy', 'weekly']]));
});

test.run();
