import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { longestFirst as longestFirstBy } from '../../../src/backup/schedule/longest-first.ts';
import { suite } from '../../suite.ts';

const test = suite('longest first');

function longestFirst(
  targets: readonly number[],
  fileSystemsOfTarget: readonly (readonly number[])[],
  startsNs: readonly (bigint | undefined)[],
): number[] {
  return longestFirstBy(targets, fileSystemsOfTarget, (index) => startsNs[index]);
}

test('the disk whose file system has been frozen for longest is fired first', () => {
  assert.equal(longestFirst([0, 1, 2], [[0], [1], [2]], [30n, 10n, 20n]), [1, 2, 0]);
});

test('of several file systems on a disk the first one frozen counts', () => {
  assert.equal(longestFirst([0, 1], [[0, 2], [1]], [30n, 20n, 10n]), [0, 1]);
});

test('a disk that no file system waits for comes last', () => {
  assert.equal(longestFirst([0, 1, 2], [[], [0], [1]], [20n, undefined]), [1, 0, 2]);
});

test('equal disks keep their order', () => {
  assert.equal(longestFirst([3, 1, 2], [[], [0], [0], [0]], [5n]), [3, 1, 2]);
});

test('whatever the times, every target is there once and none before one that waited longer', () => {
  const starts = fc.array(fc.bigInt({ min: 0n, max: 50n }), { minLength: 1, maxLength: 70 });
  fc.assert(
    fc.property(starts, (freezeStartsNs) => {
      const targets = [...freezeStartsNs.keys()];
      const order = longestFirst(
        targets,
        targets.map((target) => [target]),
        freezeStartsNs,
      );
      assert.equal(
        order.toSorted((a, b) => a - b),
        targets,
      );
      const ordered = order.map((target) => freezeStartsNs[target] ?? 0n);
      assert.ok(ordered.every((start, at) => at === 0 || start >= (ordered[at - 1] ?? 0n)));
    }),
  );
});

test.run();
