import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { stuckFirst } from '../../../src/backup/schedule/stuck-first.ts';
import type { FileSystem } from '../../../src/filesystems/plan-types.ts';
import { suite } from '../../suite.ts';

const test = suite('order of a second attempt');

/** A file system whose device number is its index; in an image on another where given. */
function fileSystem(index: number, imageOn?: number): FileSystem {
  const mountPoint = `/data/${index}`;
  return {
    device: `8:${index}`,
    type: 'ext4',
    source: '/dev/x',
    mountPoint,
    mountPoints: [mountPoint],
    disks: [],
    imageOn: imageOn === undefined ? undefined : `8:${imageOn}`,
  };
}

const independent = [0, 1, 2, 3].map((index) => fileSystem(index));

test('freezes the stuck ones first, one after the other', () => {
  assert.equal(
    stuckFirst(
      { fileSystems: independent },
      [
        [0, 1],
        [2, 3],
      ],
      [3, 1],
    ),
    [[1], [3], [0], [2]],
  );
});

test('changes nothing if nothing was stuck', () => {
  assert.equal(
    stuckFirst(
      { fileSystems: independent },
      [
        [0, 1],
        [2, 3],
      ],
      [],
    ),
    [
      [0, 1],
      [2, 3],
    ],
  );
});

test('freezes a file system in an image before the stuck one that holds it', () => {
  const nested = [fileSystem(0, 1), fileSystem(1, 2), fileSystem(2), fileSystem(3)];
  assert.equal(stuckFirst({ fileSystems: nested }, [[0], [1], [2, 3]], [2]), [[0], [1], [2], [3]]);
});

test('freezes whatever needs the stuck one before it, also if no image shows it', () => {
  // 0 is read through a daemon that writes to 1.
  const plan = { fileSystems: independent, dependents: [[], [0], [], []] };
  assert.equal(stuckFirst(plan, [[0], [1, 2, 3]], [1]), [[0], [1], [2, 3]]);
});

test('every file system stands in exactly one wave, and never after the holder of its image', () => {
  const machines = fc
    .array(fc.option(fc.nat(20), { nil: undefined }), { minLength: 1, maxLength: 20 })
    .map((holders) =>
      // An image is held by one with a higher index; so index order is a valid order of waves.
      holders.map((holder, index) =>
        fileSystem(
          index,
          holder !== undefined && holder > index && holder < holders.length ? holder : undefined,
        ),
      ),
    );
  fc.assert(
    fc.property(machines, fc.array(fc.nat(19)), (fileSystems, drawn) => {
      const stuck = drawn.filter((index) => index < fileSystems.length);
      const order = stuckFirst(
        { fileSystems },
        fileSystems.map((_, index) => [index]),
        stuck,
      ).flat();
      assert.equal(
        order.toSorted((a, b) => a - b),
        [...fileSystems.keys()],
      );
      for (const [index, { imageOn }] of fileSystems.entries()) {
        const holder = fileSystems.findIndex(({ device }) => device === imageOn);
        assert.ok(holder === -1 || order.indexOf(index) < order.indexOf(holder));
      }
    }),
  );
});

test.run();
