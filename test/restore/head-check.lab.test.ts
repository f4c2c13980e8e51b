import assert from 'node:assert/strict';
import { copyFile, mkdir, open, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type DiskSpec, type LabDisk, LabDisks } from '../../src/lab/disks.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { unmount } from '../../src/lab/unmount.ts';
import { readHeads } from '../../src/restore/head-check.ts';
import type { DiskHeads, Head } from '../../src/restore/head-types.ts';
import { mdHead, recordedHead } from '../snapshot/matching/fixtures/heads.ts';
import { suite } from '../suite.ts';

await enterLab();

const test = suite('heads of disk images');

async function headsOf(path: string): Promise<DiskHeads> {
  await using image = await open(path);
  const { size } = await stat(path);
  return await readHeads(async (offset, length) => {
    const { buffer, bytesRead } = await image.read(Buffer.alloc(length), 0, length, offset);
    return buffer.subarray(0, bytesRead);
  }, size);
}

async function headOf(path: string): Promise<Head> {
  const { heads } = await headsOf(path);
  const [head] = heads;
  assert.ok(head !== undefined && heads.length === 1, `${heads.length} heads`);
  return head;
}

/** Makes changes that are in the journal or log, and not all in their places. */
async function change(disk: LabDisk, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    await using file = await open(join(disk.mountPoint, `file${index}`), 'w');
    await file.writeFile(Buffer.alloc(5_000, index));
    await file.sync();
  }
}

async function copyOf(disk: LabDisk, name: string): Promise<string> {
  const copy = `/lab/${name}-${disk.type}-${Math.random().toString(36).slice(2)}.img`;
  await copyFile(disk.imagePath, copy);
  return copy;
}

const SPECS: readonly DiskSpec[] = (['ext3', 'ext4', 'xfs', 'btrfs'] as const).flatMap((type) => [
  { type },
  { type, layout: 'gpt' },
]);

for (const spec of SPECS) {
  const label = `${spec.type}, ${spec.layout ?? 'bare'}`;
  test(`calls a frozen ${label} clean, and a live one in need of recovery`, async () => {
    await using made = await LabDisks.create([spec]);
    const [disk] = made.disks;
    assert.ok(disk);
    await change(disk, 40);
    await runCommand('fsfreeze', ['--freeze', disk.mountPoint]);
    const frozen = await copyOf(disk, 'frozen').finally(() =>
      runCommand('fsfreeze', ['--unfreeze', disk.mountPoint]),
    );
    const head = await headOf(frozen);
    assert.equal(head.state, 'clean', head.detail);
    assert.equal(head.kind, spec.type.replace(/\d$/, ''));
    assert.equal(
      head.uuid,
      await runCommand('blkid', ['-p', '-s', 'UUID', '-o', 'value', disk.mounted]),
    );
    await change(disk, 20);
    const live = await headOf(await copyOf(disk, 'live'));
    assert.equal(live.state, 'needsRecovery', live.detail);
    await truncate(frozen, disk.sizeBytes - 2 ** 22);
    assert.equal((await headOf(frozen)).state, 'damaged');
  });

  test(`calls an unmounted ${label} clean`, async () => {
    await using made = await LabDisks.create([spec]);
    const [disk] = made.disks;
    assert.ok(disk);
    await change(disk, 40);
    const kept = `/lab/unmounted-${Math.random().toString(36).slice(2)}.img`;
    await runCommand('ln', [disk.imagePath, kept]);
    await unmount(disk.mountPoint);
    const head = await headOf(kept);
    assert.equal(head.state, 'clean', head.detail);
  });
}

test('tells how the log of a frozen and of an unmounted xfs end', async () => {
  const image = '/lab/ends.img';
  const mountPoint = '/lab/ends';
  await writeFile(image, '');
  await truncate(image, 320 * 2 ** 20);
  await runCommand('mkfs.xfs', ['-q', '-f', '-K', image]);
  await mkdir(mountPoint);
  await runCommand('mount', ['-o', 'loop', image, mountPoint]);
  try {
    await runCommand('sh', ['-c', `cd ${mountPoint} && seq 1 2000 | xargs touch && sync -f .`]);
    await runCommand('fsfreeze', ['--freeze', mountPoint]);
    await copyFile(image, '/lab/ends-frozen.img').finally(() =>
      runCommand('fsfreeze', ['--unfreeze', mountPoint]),
    );
    await runCommand('sh', ['-c', `cd ${mountPoint} && touch more && sync -f .`]);
    await copyFile(image, '/lab/ends-live.img');
  } finally {
    await unmount(mountPoint);
  }
  const paths = ['/lab/ends-frozen.img', '/lab/ends-live.img', image];
  const heads = await Promise.all(paths.map(headOf));
  assert.deepEqual(
    heads.map(({ state, detail }) => [state, detail]),
    [
      ['clean', 'its log holds the superblock alone, as a freeze leaves it'],
      ['needsRecovery', 'its log has to be replayed'],
      ['clean', 'its log ends with an unmount'],
    ],
  );
});

test('judges an xfs at each step while its log wraps', async () => {
  const image = '/lab/wraps.img';
  const mountPoint = '/lab/wraps';
  const run = async (script: string): Promise<void> => {
    await runCommand('sh', ['-c', `cd ${mountPoint} && ${script}`]);
  };
  await writeFile(image, '');
  await truncate(image, 320 * 2 ** 20);
  // The smallest log that this size of a file system may have.
  const small = ['--unsupported', '-l', 'size=6m'];
  await runCommand('mkfs.xfs', ['-q', '-f', '-K', ...small, image]);
  await mkdir(mountPoint);
  await runCommand('mount', ['-o', 'loop', image, mountPoint]);
  let wrapped = 0;
  try {
    for (let round = 0; wrapped < 3; round += 1) {
      assert.ok(round < 500, 'the log did not wrap');
      const { cycle, share } = await logHead(image);
      // Large steps up to the end, small ones across it.
      const files = cycle === 1 && share < 0.9 ? 600 : 20;
      await run(`mkdir d${round} && seq 1 ${files} | xargs -I{} echo d${round}/{} | xargs touch`);
      await run(`sync -f . && rm -rf d${round - 2} && sync -f .`);
      await runCommand('fsfreeze', ['--freeze', mountPoint]);
      const frozen = await headOf(image).finally(() =>
        runCommand('fsfreeze', ['--unfreeze', mountPoint]),
      );
      assert.equal(frozen.state, 'clean', `round ${round}: ${frozen.detail}`);
      await run('echo live > live && sync live');
      const live = await headOf(image);
      assert.equal(live.state, 'needsRecovery', `round ${round}: ${live.detail}`);
      wrapped += cycle > 1 ? 1 : 0;
    }
  } finally {
    await unmount(mountPoint);
  }
  assert.equal((await headOf(image)).detail, 'its log ends with an unmount');
});

/** In which cycle the first block of the log of an xfs was written, and how far its head is. */
async function logHead(path: string): Promise<{ cycle: number; share: number }> {
  await using image = await open(path);
  const superblock = Buffer.alloc(512);
  await image.read(superblock, 0, 512, 0);
  const log = Buffer.alloc(superblock.readUInt32BE(96) * superblock.readUInt32BE(4));
  const start = superblock.readBigUInt64BE(48);
  const groupBits = BigInt(superblock.readUInt8(124));
  const group = Number(start >> groupBits) * superblock.readUInt32BE(84);
  const block = group + Number(start & ((1n << groupBits) - 1n));
  await image.read(log, 0, log.length, block * superblock.readUInt32BE(4));
  const cycles = Array.from({ length: log.length / 512 }, (_, index) => {
    const word = log.readUInt32BE(index * 512);
    return word === 0xfeedbabe ? log.readUInt32BE(index * 512 + 4) : word;
  });
  const head = cycles.findIndex((cycle) => cycle !== cycles[0]);
  return { cycle: cycles[0] ?? 0, share: head / cycles.length };
}

test('knows swap and ext2 on an image', async () => {
  const made: readonly (readonly [string, readonly string[], Head['kind'], Head['state']])[] = [
    ['mkswap', [], 'swap', 'clean'],
    ['mkfs.ext2', ['-q', '-F'], 'ext', 'clean'],
  ];
  for (const [program, options, kind, state] of made) {
    const image = `/lab/${program}.img`;
    await writeFile(image, '');
    await truncate(image, 64 * 2 ** 20);
    const loop = await runCommand('losetup', ['--find', '--show', image]);
    await runCommand(program, [...options, loop]).finally(() =>
      runCommand('losetup', ['--detach', loop]),
    );
    const head = await headOf(image);
    assert.deepEqual([head.kind, head.state], [kind, state], `${program}: ${head.detail}`);
  }
});

for (const [program, ...options] of [['mkfs.ext2'], ['mkfs.ext4', '-O', '^has_journal']] as const) {
  const label = [program, ...options].join(' ');
  test(`cannot tell whether a frozen ${label} is clean, and does not call it in need of recovery`, async () => {
    const image = `/lab/no-journal-${program}.img`;
    const frozen = `${image}.frozen`;
    const mountPoint = `/lab/no-journal-${program}`;
    await writeFile(image, '');
    await truncate(image, 32 * 2 ** 20);
    await runCommand(program, ['-q', '-F', ...options, image]);
    await mkdir(mountPoint);
    await runCommand('mount', ['-t', 'ext4', '-o', 'loop', image, mountPoint]);
    try {
      await writeFile(join(mountPoint, 'file'), 'content');
      await runCommand('fsfreeze', ['--freeze', mountPoint]);
      await copyFile(image, frozen).finally(() =>
        runCommand('fsfreeze', ['--unfreeze', mountPoint]),
      );
    } finally {
      await unmount(mountPoint);
    }
    await runCommand('e2fsck', ['-f', '-n', frozen]);
    const head = await headOf(frozen);
    assert.equal(head.state, 'notLookedInto', head.detail);
    assert.match(head.detail, /it has no journal/);
    assert.equal((await headOf(image)).state, 'clean');
  });
}

test('says of containers that it did not look into them', async () => {
  const heads = [recordedHead('lvm'), recordedHead('luks2'), mdHead(4096)];
  const found = await Promise.all(
    heads.map((head) => readHeads(async (at, length) => head.subarray(at, at + length), 2 ** 30)),
  );
  assert.deepEqual(
    found.flatMap((it) => it.heads.map(({ kind, state }) => [kind, state])),
    ['lvm', 'luks', 'md'].map((kind) => [kind, 'notLookedInto']),
  );
});

for (const type of ['ext4', 'xfs', 'btrfs'] as const) {
  test(`judges a ${type} with any damage in its head without throwing`, async () => {
    await using made = await LabDisks.create([{ type, layout: 'gpt' }]);
    const [disk] = made.disks;
    assert.ok(disk);
    const image = await readFile(disk.imagePath);
    const start = 2 ** 20;
    const spots = [450, 512, 1024, start, start + 64, start + 1024, start + 65_536];
    for (let round = 0; round < 400; round += 1) {
      const damaged = Buffer.from(image.subarray(0, start + 2 * 65_536));
      const at = (spots[round % spots.length] ?? 0) + ((round * 37) % 300);
      damaged.writeUInt32LE((round * 2_654_435_761) % 2 ** 32, at);
      const bytes = (offset: number, length: number): Buffer =>
        offset + length <= damaged.length
          ? damaged.subarray(offset, offset + length)
          : image.subarray(offset, offset + length);
      const { heads } = await readHeads(
        (offset, length) => Promise.resolve(bytes(offset, length)),
        image.length,
      );
      assert.ok(heads.every(({ detail }) => detail !== ''));
    }
  });
}

test('does not take garbage or zeroes for a file system', async () => {
  await writeFile('/lab/garbage.img', Buffer.alloc(2 ** 20, 'garbage'));
  await writeFile('/lab/zeroes.img', Buffer.alloc(2 ** 20));
  const kinds = await Promise.all(['/lab/garbage.img', '/lab/zeroes.img'].map(headOf));
  assert.deepEqual(
    kinds.map(({ kind, state }) => [kind, state]),
    [
      ['unknown', 'notLookedInto'],
      ['blank', 'notLookedInto'],
    ],
  );
});

test.run();
