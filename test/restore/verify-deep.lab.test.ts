import { writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { BlobServer } from '../../src/lab/blob-server/blob-server.ts';
import { type DiskSpec, LabDisks } from '../../src/lab/disks.ts';
import { LAB_TLS } from '../../src/lab/lab-paths.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { Writers } from '../../src/lab/writers.ts';
import { deepReportSchema, snapshotListSchema } from '../../src/report/schemas/stored-snapshots.ts';
import { flashfreeze } from '../commands/command-line.ts';
import { blobServer } from '../commands/rig.ts';
import { suite } from '../suite.ts';
import { recordedDisk } from './fixtures/recorded-disks.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('flashfreeze snapshots verify --deep');
const SPECS: readonly DiskSpec[] = [{ type: 'ext4' }, { type: 'xfs' }, { type: 'btrfs' }];

/** Lab disks with writers, and a server whose snapshots copy their images. */
class Scene implements AsyncDisposable {
  readonly server: BlobServer;
  readonly #resources: AsyncDisposableStack;

  private constructor(server: BlobServer, resources: AsyncDisposableStack) {
    this.server = server;
    this.#resources = resources;
  }

  static async create(): Promise<Scene> {
    await using resources = new AsyncDisposableStack();
    const { disks } = resources.use(await LabDisks.create(SPECS));
    const server = resources.use(
      await BlobServer.start({
        blobs: disks.map(({ imagePath, index }) => ({ name: `disk${index}`, imagePath })),
        certificate: {
          caPath: LAB_TLS.caCertificate,
          certPath: LAB_TLS.certificate,
          keyPath: LAB_TLS.key,
        },
      }),
    );
    resources.use(await Writers.start(disks.map(({ mountPoint }) => mountPoint)));
    return new Scene(server, resources.move());
  }

  /** Takes the snapshots of all disks, with a SAS of the container, so that a manifest is written. */
  async snapshot(...options: readonly string[]): Promise<number | null> {
    const [, sas] = this.server.containerUrl({ permissions: 'rlcw' }).split('?');
    const blobs = this.server.urls.flatMap((url) => ['--blob', `${url.split('?')[0]}?${sas}`]);
    return (await flashfreeze(['snapshot', ...blobs, '--quiet', ...options])).exitCode;
  }

  /** The identifier of the only restore point. */
  async point(): Promise<string> {
    const container = this.server.containerUrl();
    const listed = await flashfreeze(['snapshots', 'list', '--container', container, '--json']);
    const { restorePoints } = v.parse(snapshotListSchema, JSON.parse(listed.stdout));
    assert.is(restorePoints?.length, 1, listed.stdout);
    return restorePoints?.[0]?.id ?? '';
  }

  async verify(id: string, ...options: readonly string[]) {
    const container = this.server.containerUrl({ permissions: 'rl' });
    const words = ['snapshots', 'verify', '--container', container, '--deep', id, ...options];
    return await flashfreeze(words);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

test('disks of a frozen restore point would mount without recovery', async () => {
  await using scene = await Scene.create();
  assert.is(await scene.snapshot(), 0);
  const id = await scene.point();
  const ended = await scene.verify(id.slice(0, 8), '--json');
  const report = v.parse(deepReportSchema, JSON.parse(ended.stdout));
  assert.is(ended.exitCode, 0, `${ended.stdout}${ended.stderr}`);
  assert.is(report.mountable, true);
  assert.is(report.verdict, 'mountable');
  assert.equal(
    report.disks.map(({ heads, problems }) => [heads[0]?.kind, heads[0]?.state, problems]),
    [
      ['ext', 'clean', []],
      ['xfs', 'clean', []],
      ['btrfs', 'clean', []],
    ],
  );
  const text = await scene.verify(id);
  assert.match(text.stdout, `✓ restore point ${id} of `);
  assert.not.match(`${text.stdout}${text.stderr}`, 'sig=');
});

test('without the freeze, a mount has to recover, and the exit code says so (negative control)', async () => {
  await using scene = await Scene.create();
  await scene.snapshot('--no-freeze');
  const ended = await scene.verify(await scene.point(), '--json');
  const report = v.parse(deepReportSchema, JSON.parse(ended.stdout));
  assert.is(ended.exitCode, 1);
  assert.is(report.mountable, false);
  assert.is(report.verdict, 'faulty');
  assert.ok(
    report.disks.some(({ heads }) => heads[0]?.state === 'needsRecovery'),
    ended.stdout,
  );
});

test('a missing snapshot, an unknown identifier and a file of a run are named', async () => {
  await using scene = await Scene.create();
  await scene.snapshot();
  const id = await scene.point();
  const [first] = await scene.server.snapshots('disk1');
  await scene.server.deleteSnapshot('disk1', first?.snapshot ?? '');
  const incomplete = await scene.verify(id);
  assert.is(incomplete.exitCode, 1);
  assert.match(
    incomplete.stdout,
    'incomplete, 2 of 3 snapshots exist, 2 of them without a problem',
  );
  const unknown = await scene.verify('ffffffff-no');
  assert.match(unknown.stderr, 'FF_RESTORE_POINT_NOT_FOUND');
  const both = await scene.verify(id, 'run.json');
  assert.is(both.exitCode, 2);
  assert.match(both.stderr, 'no file of a run can be given with it');
});

test('puts logical volumes together out of the snapshots of several disks', async () => {
  const names = ['frozen-a', 'frozen-b'];
  const blobs: { name: string; imagePath: string }[] = [];
  for (const name of names) {
    const { read, sizeBytes } = recordedDisk(name);
    const imagePath = `/lab/${name}.img`;
    await writeFile(imagePath, await read(0, sizeBytes));
    blobs.push({ name, imagePath });
  }
  await using server = await blobServer(blobs, 0, 'copy');
  for (const [index, url] of server.urls.entries()) {
    const headers = {
      'x-ms-meta-flashfreeze_run': 'with-lvm',
      'x-ms-meta-flashfreeze_disk': `${index + 1} of ${names.length}`,
      'x-ms-meta-flashfreeze_host': 'db1',
    };
    const answer = await fetch(`${url}&comp=snapshot`, { method: 'PUT', headers });
    assert.is(answer.status, 201);
  }
  const container = server.containerUrl({ permissions: 'rl' });
  const words = ['snapshots', 'verify', '--container', container, '--deep', 'with-lvm', '--json'];
  const ended = await flashfreeze(words);
  const { disks } = v.parse(deepReportSchema, JSON.parse(ended.stdout));
  assert.equal(
    disks.map(({ heads }) => heads.map(({ where, state }) => `${where} ${state}`)),
    [
      [
        'whole disk clean',
        'logical volume vgdata/striped notLookedInto',
        'logical volume vgdata/spanning clean',
      ],
      ['partition 1 clean', 'logical volume vgdata/single clean'],
    ],
  );
});

test.run();
