import * as assert from 'uvu/assert';
import { MountTree } from '../../../src/filesystems/mount-tree.ts';
import { readMounts } from '../../../src/filesystems/read-plan.ts';
import { readTopology } from '../../../src/filesystems/read-topology.ts';
import {
  type StorageRelations,
  storageRelations,
} from '../../../src/filesystems/relations/storage-relations.ts';
import { suite } from '../../suite.ts';
import { images } from '../fixtures/images.ts';
import type { Machine } from '../machine.ts';

const test = suite('relations through storage');

async function read(machine: Machine): Promise<StorageRelations> {
  const system = machine.build();
  const { mounts } = await readMounts(system);
  const tree = new MountTree(mounts);
  return storageRelations(mounts, readTopology(system, mounts, tree), tree);
}

const pairs = ({ relations }: StorageRelations): string[] =>
  relations.map(({ dependent, on, via }) => `${dependent} ${via.kind} ${on}`).sort();

test('what lies in an image depends on what holds the image, unless that is memory', async () => {
  const storage = await read(images());
  assert.equal(pairs(storage), ['259:9 loop 7:0', '7:0 loop 8:32', '7:3 loop 8:16']);
  assert.is(storage.unseen.size, 0);
});

test('an image behind a FUSE daemon leads to its mount and may need anything besides', async () => {
  const storage = await read(
    images()
      .loop({ name: 'loop4', number: '7:4', gib: 1, image: '/served/image' })
      .mounts(`
        28 20 0:55 / /served rw - fuse.images images rw
        29 20 7:4 / /in-served rw - ext4 /dev/loop4 rw
      `),
  );
  assert.ok(pairs(storage).includes('7:4 loop 0:55'));
  assert.equal([...storage.unseen], ['7:4']);
});

test('an image of which the place cannot be seen may need anything', async () => {
  const storage = await read(
    images()
      .loop({ name: 'loop4', number: '7:4', gib: 1, image: '/data/of-a-container.img' })
      .mounts('29 20 7:4 / /elsewhere rw - ext4 /dev/loop4 rw'),
  );
  assert.not.ok(pairs(storage).some((pair) => pair.startsWith('7:4 ')));
  assert.equal([...storage.unseen], ['7:4']);
});

test('an overlay depends on what holds its upper directory', async () => {
  const storage = await read(
    images().mounts(`
      30 20 0:60 / /box rw - overlay overlay rw,lowerdir=/opt/l,upperdir=/data/box/upper,workdir=/data/box/work
      31 20 0:61 / /read-only-box rw - overlay overlay ro,lowerdir=/opt/l:/opt/m
    `),
  );
  assert.equal(
    pairs(storage).filter((pair) => pair.includes('overlay')),
    ['0:60 overlay 8:32'],
  );
});

test.run();
