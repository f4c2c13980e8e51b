import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { MountTree } from '../../src/filesystems/mount-tree.ts';
import type { Mount } from '../../src/system/mountinfo.ts';
import { suite } from '../suite.ts';

const test = suite('mount tree');

function mountOf(id: number, parentId: number, mountPoint: string): Mount {
  const device = `8:${id}`;
  return {
    ...{ id, parentId, device, root: '/', mountPoint, options: 'rw' },
    ...{ type: 'ext4', source: `/dev/sd${id}`, superOptions: 'rw' },
  };
}

function idsVisible(mounts: readonly Mount[]): number[] {
  const tree = new MountTree(mounts);
  return mounts.filter((mount) => tree.isVisible(mount)).map(({ id }) => id);
}

test('a text that is no absolute path leads to no mount', () => {
  const tree = new MountTree([mountOf(1, 0, '/')]);
  for (const path of ['', '.', 'images/a', '(unreachable)/images/a']) {
    assert.is(tree.mountAt(path), undefined, path);
  }
});

test('a path leads to the mount with the longest prefix of whole names', () => {
  const tree = new MountTree([
    mountOf(1, 0, '/'),
    mountOf(2, 1, '/data'),
    mountOf(3, 2, '/data/a b'),
  ]);
  const cases: readonly [string, number][] = [
    ['/', 1],
    ['/database', 1],
    ['/data', 2],
    ['/data/a', 2],
    ['/data/a b', 3],
    ['/data/a b/c/d', 3],
  ];
  for (const [path, id] of cases) {
    assert.is(tree.mountAt(path)?.id, id, path);
  }
});

test('of mounts on the same point only the last is visible', () => {
  assert.equal(
    idsVisible([mountOf(1, 0, '/'), mountOf(2, 1, '/a'), mountOf(3, 2, '/a'), mountOf(4, 3, '/a')]),
    [1, 4],
  );
});

test('a mount is hidden by one further up, unless it lies on that one', () => {
  assert.equal(
    idsVisible([
      mountOf(1, 0, '/'),
      mountOf(2, 1, '/a/b'),
      mountOf(3, 1, '/a'),
      mountOf(4, 3, '/a/b/c'),
    ]),
    [1, 3, 4],
  );
});

test('a root under another root is hidden', () => {
  assert.equal(idsVisible([mountOf(1, 1, '/'), mountOf(2, 1, '/')]), [2]);
});

test('without the root (chroot, skipped line) mounts are still found', () => {
  const tree = new MountTree([mountOf(5, 4, '/a'), mountOf(6, 5, '/a/b')]);
  assert.is(tree.mountAt('/a/b/c')?.id, 6);
  assert.is(tree.mountAt('/x'), undefined);
});

test('a mount point that was removed is not visible', () => {
  assert.equal(idsVisible([mountOf(1, 0, '/'), mountOf(2, 1, '/a//deleted')]), [1]);
});

/** The path walk written down plainly: at every prefix, climb while something is mounted there. */
function walk(mounts: readonly Mount[], path: string): Mount | undefined {
  const names = path.split('/').filter((name) => name !== '');
  let current: Mount | undefined;
  for (let depth = 0; depth <= names.length; depth += 1) {
    const prefix = `/${names.slice(0, depth).join('/')}`;
    for (let next: Mount | undefined = current; next !== undefined || depth === 0; ) {
      const below: number = next?.id ?? 0;
      next = mounts.find(({ parentId, mountPoint }) => parentId === below && mountPoint === prefix);
      if (next === undefined) {
        break;
      }
      current = next;
    }
  }
  return current;
}

const anyPath = fc
  .array(fc.constantFrom('a', 'b', 'c'), { maxLength: 4 })
  .map((names) => `/${names.join('/')}`);

test('whatever is mounted over whatever, it agrees with the path walk', () => {
  fc.assert(
    fc.property(fc.array(anyPath, { maxLength: 30 }), anyPath, (points, path) => {
      const mounts = [mountOf(1, 0, '/')];
      for (const [index, point] of points.entries()) {
        // As the kernel mounts: on what the path leads to now.
        mounts.push(mountOf(index + 2, walk(mounts, point)?.id ?? 0, point));
      }
      assert.is(new MountTree(mounts).mountAt(path)?.id, walk(mounts, path)?.id);
    }),
    { numRuns: 500 },
  );
});

test('10,000 mounts on one point, 10,000 side by side, and circles end', () => {
  const stacked = Array.from({ length: 10_000 }, (_, index) => mountOf(index + 1, index, '/'));
  assert.equal(idsVisible(stacked), [10_000]);
  const flat = Array.from({ length: 10_000 }, (_, index) => mountOf(index + 2, 1, `/p/${index}/v`));
  assert.is(idsVisible([mountOf(1, 0, '/'), ...flat]).length, 10_001);
  const circle = [
    mountOf(1, 0, '/'),
    mountOf(2, 3, '/a'),
    mountOf(3, 2, '/a'),
    mountOf(3, 1, '/a'),
  ];
  new MountTree(circle).mountAt('/a');
});

test.run();
