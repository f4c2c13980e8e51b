import { cp, mkdir, writeFile } from 'node:fs/promises';
import { AnonymousCredential, ContainerClient } from '@azure/storage-blob';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { enterGuestLab } from '../../src/lab/agent/enter-guest-lab.ts';
import type { BlobServer } from '../../src/lab/blob-server/blob-server.ts';
import { manifestSchema } from '../../src/report/schemas/manifest.ts';
import { snapshotListSchema } from '../../src/report/schemas/stored-snapshots.ts';
import type { Manifest } from '../../src/restore-points/restore-point.ts';
import { flashfreeze } from '../commands/command-line.ts';
import { suite } from '../suite.ts';
import { startDiskServer } from './disk-server.ts';
import { preparePayload } from './payload.ts';
import { Scene } from './scene.ts';

await enterGuestLab({ lifetimeSeconds: 600 }, preparePayload);

const test = suite('what a task of the extension stores beside its snapshots');

async function manifests(server: BlobServer): Promise<Manifest[]> {
  const container = new ContainerClient(server.containerUrl(), new AnonymousCredential());
  const found: Manifest[] = [];
  for await (const { name } of container.listBlobsFlat({ prefix: 'flashfreeze/' })) {
    const text = (await container.getBlobClient(name).downloadToBuffer()).toString();
    assert.not.match(text, /sig=|\?/);
    found.push(v.parse(manifestSchema, JSON.parse(text)));
  }
  return found;
}

test('its snapshots say which restore point they belong to, and a SAS of the container permits the manifest', async () => {
  await using scene = await Scene.create({ disks: [{ type: 'ext4' }] });
  await using server = await startDiskServer(scene, 5);
  const [, sas] = server.containerUrl().split('?');
  const blobs = server.urls.map((url) => `${url.split('?')[0]}?${sas}`);
  const task = await scene.task({ blobs });
  await scene.send(task.settings);
  await scene.settled();
  assert.is((await task.blobs.status())?.status.code, '1');
  const [manifest, ...others] = await manifests(server);
  assert.equal(others, []);
  assert.equal(
    [manifest?.id, manifest?.origin, manifest?.restorable],
    [task.taskId, 'extension', true],
  );
  for (const [index] of server.urls.entries()) {
    const [taken] = await server.snapshots(`disk${index}`);
    assert.is(taken?.metadata.flashfreeze_run, task.taskId);
    assert.is(taken?.metadata.flashfreeze_disk, `${index + 1} of ${server.urls.length}`);
  }
});

async function worths(server: BlobServer): Promise<string[]> {
  const ended = await flashfreeze([
    ...['snapshots', 'list', '--json', '--container', server.containerUrl()],
  ]);
  const { restorePoints } = v.parse(snapshotListSchema, JSON.parse(ended.stdout));
  return (restorePoints ?? []).map(({ id, worth }) => `${id} ${worth}`);
}

test('with the SAS of single blobs there is no manifest; on the machine itself, its own record of the run counts', async () => {
  await using scene = await Scene.create({ disks: [{ type: 'ext4' }] });
  await using server = await startDiskServer(scene, 5);
  const task = await scene.task({ blobs: server.urls });
  await scene.send(task.settings);
  await scene.settled();
  assert.is((await task.blobs.status())?.status.code, '1');
  assert.equal(await manifests(server), []);
  assert.equal(await worths(server), [`${task.taskId} notRecorded`]);
  const logs = '/var/log/azure';
  await cp(scene.guest.path(logs), logs, { recursive: true });
  assert.equal(await worths(server), [`${task.taskId} complete`]);
});

/** Names the container in vmbackup.conf, by a file with this mode. */
async function nameContainer({ guest }: Scene, url: string, mode: number): Promise<void> {
  const file = '/etc/azure/manifest-container.txt';
  await mkdir(guest.path('/etc/azure'), { recursive: true });
  await writeFile(guest.path(file), `${url}\n`, { mode });
  const configuration = `[Flashfreeze]\nmanifestContainerFile = ${file}\n`;
  await writeFile(guest.path('/etc/azure/vmbackup.conf'), configuration);
}

test('vmbackup.conf names the container by a file that only root reads', async () => {
  await using scene = await Scene.create({ disks: [{ type: 'ext4' }] });
  await using server = await startDiskServer(scene, 5);
  await nameContainer(scene, server.containerUrl({ permissions: 'c' }), 0o600);
  const task = await scene.task({ blobs: server.urls });
  await scene.send(task.settings);
  await scene.settled();
  assert.is((await task.blobs.status())?.status.code, '1');
  const [manifest, ...others] = await manifests(server);
  assert.equal(others, []);
  assert.equal([manifest?.id, manifest?.origin], [task.taskId, 'extension']);
});

test('a file that others may read is not used, the log says so without the SAS, and the task succeeds', async () => {
  await using scene = await Scene.create({ disks: [{ type: 'ext4' }] });
  await using server = await startDiskServer(scene, 5);
  const url = server.containerUrl({ permissions: 'c' });
  await nameContainer(scene, url, 0o644);
  const task = await scene.task({ blobs: server.urls });
  await scene.send(task.settings);
  await scene.settled();
  assert.is((await task.blobs.status())?.status.code, '1');
  assert.equal(await manifests(server), []);
  const log = await task.blobs.log();
  assert.match(log ?? '', 'manifest-container.txt has mode 0644');
  assert.not.match(log ?? '', new URL(url).searchParams.get('sig') ?? '');
});

test.run();
