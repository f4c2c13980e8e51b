import { writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { Lab } from '../../src/lab/lab.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { suite } from '../suite.ts';
import { type Ended, flashfreeze } from './command-line.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('flashfreeze snapshots');

function linesWith(word: string, { stdout }: Ended): number {
  return stdout.split('\n').filter((line) => line.includes(word)).length;
}

test('lists, verifies and prunes the snapshots of a container', async () => {
  await using lab = await Lab.create({
    disks: [{ type: 'ext4' }, { type: 'ext4' }],
    blobs: 'azurite',
    writers: false,
  });
  const { blobUrls, azurite } = lab.parts;
  const container = ['--container', azurite?.containerUrl() ?? ''];
  const blobs = blobUrls.flatMap((url) => ['--blob', url]);
  for (const policy of ['daily', 'weekly', 'daily']) {
    const args = ['snapshot', ...blobs, '--metadata', `Policy=${policy}`, '--quiet'];
    assert.is((await flashfreeze(args)).exitCode, 0);
  }

  const listed = await flashfreeze(['snapshots', 'list', ...container]);
  assert.is(listed.exitCode, 0, listed.stderr);
  assert.is(linesWith('disk0.vhd', listed), 3);
  assert.not.match(listed.stdout, 'sig=');
  const weekly = ['snapshots', 'list', ...container, '--metadata', 'policy=weekly', '--json'];
  const { snapshots } = JSON.parse((await flashfreeze(weekly)).stdout) as {
    readonly snapshots: readonly { readonly task: string | null; readonly blob: string }[];
  };
  assert.is(snapshots.length, 2);
  assert.is(snapshots[0]?.task, snapshots[1]?.task);
  assert.type(snapshots[0]?.task, 'string');
  const ofTask = ['snapshots', 'list', ...container, '--task', snapshots[0]?.task ?? ''];
  assert.is(linesWith('.vhd', await flashfreeze(ofTask)), 2);

  const verified = await flashfreeze([
    'snapshots',
    'verify',
    ...container,
    '--metadata',
    'Policy=daily',
  ]);
  assert.is(verified.exitCode, 0, verified.stdout);
  assert.match(verified.stdout, '2 of 2 snapshots');
  const wrong = await flashfreeze([
    'snapshots',
    'verify',
    ...container,
    '--metadata',
    'Policy=yearly',
  ]);
  assert.is(wrong.exitCode, 1);
  assert.match(wrong.stdout, 'its metadata is');

  const dry = await flashfreeze(['snapshots', 'prune', ...container, '--keep', '1']);
  assert.is(linesWith('would delete', dry), 4);
  assert.is((await azurite?.listSnapshots('disk0.vhd'))?.length, 3);
  const young = await flashfreeze([
    'snapshots',
    'prune',
    ...container,
    '--older-than',
    '1h',
    '--delete',
  ]);
  assert.match(young.stdout, 'nothing to prune');
  const real = await flashfreeze(['snapshots', 'prune', ...container, '--keep', '1', '--delete']);
  assert.is(real.exitCode, 0, real.stderr);
  assert.is((await azurite?.listSnapshots('disk0.vhd'))?.length, 1);
  assert.is((await flashfreeze(['snapshots', 'verify', ...container])).exitCode, 0);

  await flashfreeze(['snapshots', 'prune', ...container, '--keep', '0', '--delete']);
  const missing = await flashfreeze(['snapshots', 'verify', ...container]);
  assert.is(missing.exitCode, 1);
  assert.match(missing.stdout, 'the given containers hold no such snapshot');
});

test('leaves snapshots alone that no run of this machine has taken, unless told', async () => {
  await using lab = await Lab.create({
    disks: [{ type: 'ext4' }],
    blobs: 'azurite',
    writers: false,
  });
  const { blobUrls, azurite } = lab.parts;
  const { BlobClient } = await import('@azure/storage-blob');
  await new BlobClient(blobUrls[0] ?? '').createSnapshot();
  await writeFile('/lab/container', `${azurite?.containerUrl()}\n`);
  const prune = ['snapshots', 'prune', '--container-from', '/lab/container', '--keep', '0'];
  const left = await flashfreeze([...prune, '--delete']);
  assert.match(left.stdout, 'nothing to prune');
  assert.match(
    left.stdout,
    'Snapshots left alone: 1. None of the runs kept on this machine took them',
  );
  assert.match((await flashfreeze([...prune, '--all'])).stdout, 'would delete disk0.vhd');
  assert.is((await azurite?.listSnapshots('disk0.vhd'))?.length, 1);
});

test('refuses a SAS that may not list, and rules that are none', async () => {
  await using lab = await Lab.create({
    disks: [{ type: 'ext4' }],
    blobs: 'azurite',
    writers: false,
  });
  const { azurite } = lab.parts;
  const refused = await flashfreeze([
    'snapshots',
    'list',
    '--container',
    azurite?.containerUrl('r') ?? '',
  ]);
  assert.is(refused.exitCode, 2, refused.stdout);
  assert.match(refused.stderr, 'FF_CONTAINER_REFUSED');
  const unset = await flashfreeze([
    ...['snapshots', 'prune', '--container', azurite?.containerUrl() ?? ''],
    ...['--keep', '', '--delete'],
  ]);
  assert.is(unset.exitCode, 2, 'an unset variable of a script is not 0');
  assert.not.match(refused.stderr, /sig=(?!REDACTED)/);
  const plain = await flashfreeze(['snapshots', 'list', '--container', 'http://a.example/c?sig=x']);
  assert.is(plain.exitCode, 2);
  assert.match(plain.stderr, 'FF_URL_INSECURE');
  const url = ['--container', azurite?.containerUrl() ?? ''];
  for (const args of [[], ['--keep', 'x'], ['--older-than', '30']]) {
    const ended = await flashfreeze(['snapshots', 'prune', ...url, ...args]);
    assert.is(ended.exitCode, 2);
    assert.match(ended.stderr, 'expected');
  }
});

test.run();
