import { mkdir, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { Lab } from '../../src/lab/lab.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { METADATA_PREFIX, membershipValues } from '../../src/restore-points/membership.ts';
import { deleteFromContainer } from '../../src/snapshot/inventory/container.ts';
import { manifestOf, member, membersOf } from '../restore-points/fixtures/members.ts';
import { suite } from '../suite.ts';
import { type Ended, flashfreeze } from './command-line.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('flashfreeze snapshots');

function linesWith(word: string, { stdout }: Ended): number {
  return stdout.split('\n').filter((line) => line.includes(word)).length;
}

test('verifies the snapshots of a run, and lists them', async () => {
  await using lab = await Lab.create({
    disks: [{ type: 'ext4' }, { type: 'ext4' }],
    blobs: 'azurite',
    writers: false,
  });
  const { blobUrls, azurite } = lab.parts;
  const container = ['--container', azurite?.containerUrl() ?? ''];
  const blobs = blobUrls.flatMap((url) => ['--blob', url]);
  for (const policy of ['weekly', 'daily']) {
    const args = ['snapshot', ...blobs, '--metadata', `Policy=${policy}`, '--quiet'];
    assert.is((await flashfreeze(args)).exitCode, 0);
  }
  const listed = await flashfreeze(['snapshots', 'list', ...container, '--disks']);
  assert.is(listed.exitCode, 0, listed.stderr);
  assert.is(linesWith('disk0.vhd', listed), 2);
  assert.not.match(listed.stdout, 'sig=');
  const weekly = ['snapshots', 'list', ...container, '--disks', '--metadata', 'policy=weekly'];
  assert.is(linesWith('.vhd', await flashfreeze(weekly)), 2);

  const verify = ['snapshots', 'verify', ...container, '--metadata'];
  const verified = await flashfreeze([...verify, 'Policy=daily']);
  assert.is(verified.exitCode, 0, verified.stdout);
  assert.match(verified.stdout, '2 of 2 snapshots');
  const wrong = await flashfreeze([...verify, 'Policy=yearly']);
  assert.is(wrong.exitCode, 1);
  assert.match(wrong.stdout, 'its metadata is');

  for (const { snapshot } of (await azurite?.listSnapshots('disk0.vhd')) ?? []) {
    const stored = { blob: 'disk0.vhd', snapshot };
    const url = azurite?.containerUrl() ?? '';
    assert.is(await deleteFromContainer(url, stored, undefined), undefined);
  }
  const missing = await flashfreeze(['snapshots', 'verify', ...container]);
  assert.is(missing.exitCode, 1);
  assert.match(missing.stdout, 'the given containers hold no such snapshot');
});

test('lists and prunes restore points by the rule in [Retention], and leaves the others alone', async () => {
  await using lab = await Lab.create({
    disks: [{ type: 'ext4' }, { type: 'ext4' }],
    blobs: 'azurite',
    writers: false,
  });
  const { blobUrls, azurite } = lab.parts;
  const { BlobClient, ContainerClient } = await import('@azure/storage-blob');
  const container = new ContainerClient(azurite?.containerUrl('rcw') ?? '');
  await new BlobClient(blobUrls[0] ?? '').createSnapshot();
  for (const run of ['first', 'second', 'third']) {
    const snapshots = await Promise.all(
      blobUrls.map(async (url, index) => {
        const { membership } = member({ run, position: index + 1, count: 2 });
        const metadata = Object.fromEntries(membershipValues(membership, METADATA_PREFIX));
        return (await new BlobClient(url).createSnapshot({ metadata })).snapshot ?? '';
      }),
    );
    const manifest = manifestOf(membersOf(2, { run }));
    const content = JSON.stringify({
      ...manifest,
      barrier: snapshots[0],
      disks: manifest.disks.map((disk, index) => ({ ...disk, snapshot: snapshots[index] })),
    });
    const blob = container.getBlockBlobClient(`flashfreeze/${run}.json`);
    await blob.upload(content, content.length);
  }
  await writeFile('/lab/container', `${azurite?.containerUrl()}\n`);
  await mkdir('/etc/azure', { recursive: true });
  await writeFile('/etc/azure/vmbackup.conf', '[Retention]\nkeepLast = 2\n');
  const from = ['--container-from', '/lab/container'];
  const listed = await flashfreeze(['snapshots', 'list', ...from]);
  assert.is(linesWith('2 of 2', listed), 3);
  assert.match(listed.stdout, '1 snapshots belong to no restore point');
  const dry = await flashfreeze(['snapshots', 'prune', ...from]);
  assert.match(dry.stdout, /first +kept by no rule/);
  assert.is((await azurite?.listSnapshots('disk0.vhd'))?.length, 4);
  const real = await flashfreeze(['snapshots', 'prune', ...from, '--delete']);
  assert.is(real.exitCode, 0, `${real.stdout}${real.stderr}`);
  assert.is((await azurite?.listSnapshots('disk0.vhd'))?.length, 3);
  assert.is((await azurite?.listSnapshots('disk1.vhd'))?.length, 2);
  assert.not.ok(await container.getBlobClient('flashfreeze/first.json').exists());
  assert.ok(await container.getBlobClient('flashfreeze/second.json').exists());
});

test('refuses a SAS that may not list, and one without TLS', async () => {
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
  assert.not.match(refused.stderr, /sig=(?!REDACTED)/);
  const plain = await flashfreeze(['snapshots', 'list', '--container', 'http://a.example/c?sig=x']);
  assert.is(plain.exitCode, 2);
  assert.match(plain.stderr, 'FF_URL_INSECURE');
});

test.run();
