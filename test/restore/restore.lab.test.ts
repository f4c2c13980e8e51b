import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AnonymousCredential, ContainerClient } from '@azure/storage-blob';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { BlobServer } from '../../src/lab/blob-server/blob-server.ts';
import { LabDisks } from '../../src/lab/disks.ts';
import { LAB_TLS } from '../../src/lab/lab-paths.ts';
import { attachImage, detachDevice } from '../../src/lab/loop-devices.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { unmount } from '../../src/lab/unmount.ts';
import { restoreReportSchema } from '../../src/report/schemas/restore-report.ts';
import type { RestoreReport } from '../../src/restore/restore-text.ts';
import { type Ended, flashfreeze } from '../commands/command-line.ts';
import { suite } from '../suite.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('flashfreeze restore');

/** Two disks with a file each, one restore point of them, and the way back to it. */
class Night implements AsyncDisposable {
  readonly disks: LabDisks;
  readonly server: BlobServer;
  readonly container: ContainerClient;

  private constructor(disks: LabDisks, server: BlobServer) {
    this.disks = disks;
    this.server = server;
    this.container = new ContainerClient(server.containerUrl(), new AnonymousCredential());
  }

  static async create(): Promise<Night> {
    const disks = await LabDisks.create([{ type: 'ext4' }, { type: 'xfs' }]);
    const server = await BlobServer.start({
      blobs: disks.disks.map(({ imagePath, index }) => ({
        ...{ name: `disk${index}.vhd`, imagePath },
        metadata: { Owner: 'ops' },
      })),
      certificate: {
        caPath: LAB_TLS.caCertificate,
        certPath: LAB_TLS.certificate,
        keyPath: LAB_TLS.key,
      },
    });
    const night = new Night(disks, server);
    for (const { mountPoint, index } of disks.disks) {
      await writeFile(join(mountPoint, 'before'), `content of disk ${index}\n`.repeat(10_000));
    }
    const blobs = server.urls.flatMap((url) => ['--blob', url]);
    const manifest = server.containerUrl({ permissions: 'c' });
    const args = ['snapshot', ...blobs, '--metadata', 'Owner=ops', '--manifest', manifest];
    const ended = await flashfreeze([...args, '--quiet']);
    assert.is(ended.exitCode, 0, ended.stderr);
    for (const { mountPoint } of disks.disks) {
      await writeFile(join(mountPoint, 'after'), 'written after the snapshot');
    }
    return night;
  }

  async id(): Promise<string> {
    const [taken] = await this.server.snapshots('disk0.vhd');
    return taken?.metadata.flashfreeze_run ?? '';
  }

  async restore(...args: readonly string[]): Promise<Ended> {
    const from = ['--container', this.server.containerUrl()];
    return await flashfreeze(['restore', await this.id(), ...from, '--prefix', 'new/', ...args]);
  }

  async blobNames(): Promise<string[]> {
    const names: string[] = [];
    for await (const { name } of this.container.listBlobsFlat()) {
      names.push(name);
    }
    return names;
  }

  /** Requests that Copy Blob was asked for with, by the names of the new blobs. */
  async puts(): Promise<(string | undefined)[]> {
    const requests = await this.server.requests();
    return requests.flatMap(({ operation, blob }) =>
      operation === 'upload' && blob?.startsWith('new/') === true ? [blob] : [],
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await this.disks[Symbol.asyncDispose]();
  }
}

function reportIn({ stdout, stderr }: Ended): RestoreReport {
  assert.not.match(`${stdout}${stderr}`, /sig=(?!REDACTED)/);
  return v.parse(restoreReportSchema, JSON.parse(stdout));
}

function states(report: RestoreReport): string[] {
  return report.disks.map(({ state }) => state);
}

test('shows the plan without --create, and copies nothing', async () => {
  await using night = await Night.create();
  const before = await night.blobNames();
  const text = await night.restore();
  assert.is(text.exitCode, 0, text.stderr);
  assert.match(text.stdout, 'Dry run: nothing was copied');
  assert.match(text.stdout, /az disk create .*--source https:\S+\/new\/loop\d+\.vhd/);
  assert.match(text.stdout, 'nouuid');
  assert.match(text.stdout, 'tune2fs -U');
  assert.not.match(text.stdout, /btrfs|sig=/);
  assert.equal(states(reportIn(await night.restore('--json'))), ['planned', 'planned']);
  assert.equal(await night.blobNames(), before);
});

test('makes blobs that have every byte of the snapshots and can be mounted', async () => {
  await using night = await Night.create();
  const ended = await night.restore('--create', '--json');
  assert.is(ended.exitCode, 0, `${ended.stdout}${ended.stderr}`);
  const report = reportIn(ended);
  assert.equal(states(report), ['created', 'created']);
  assert.is(report.worth, 'complete');
  for (const [index, { name, position }] of report.disks.entries()) {
    const blob = night.container.getBlobClient(name);
    const [taken] = await night.server.snapshots(`disk${index}.vhd`);
    const content = await blob.downloadToBuffer();
    assert.ok(content.equals(await readFile(taken?.imagePath ?? '')), name);
    const { metadata } = await blob.getProperties();
    assert.is(metadata?.flashfreeze_restored, `${report.restorePoint} ${position}`);
    assert.not.ok('flashfreeze_run' in (metadata ?? {}));
    assert.ok(Object.values(metadata ?? {}).includes('ops'));
    await assertMountable(content, index, night.disks.disks[index]?.type ?? '');
  }
  const listed = await flashfreeze([
    ...['snapshots', 'list', '--container', night.server.containerUrl(), '--json'],
  ]);
  const { restorePoints, others } = JSON.parse(listed.stdout);
  assert.equal([restorePoints.length, others], [1, 0], 'new blobs are no snapshots');
});

async function assertMountable(content: Buffer, index: number, type: string): Promise<void> {
  const folder = `/lab/restored${index}`;
  await mkdir(folder);
  await writeFile(`${folder}.img`, content);
  const device = await attachImage(`${folder}.img`);
  try {
    // norecovery, noload: what a frozen file system wrote needs no recovery.
    const options = type === 'xfs' ? 'ro,nouuid,norecovery' : 'ro,noload';
    await runCommand('mount', ['-t', type, '-o', options, device, folder]);
    try {
      const found = await readFile(join(folder, 'before'), 'utf8');
      assert.is(found, `content of disk ${index}\n`.repeat(10_000));
      const listed = await runCommand('ls', [folder]);
      assert.not.match(listed, 'after');
    } finally {
      await unmount(folder);
    }
  } finally {
    await detachDevice(device);
  }
}

test('called again, finds everything there and changes nothing; what is missing is copied', async () => {
  await using night = await Night.create();
  await night.restore('--create');
  const [first] = await night.puts();
  const again = await night.restore('--create', '--json');
  assert.is(again.exitCode, 0, again.stderr);
  assert.equal(states(reportIn(again)), ['existed', 'existed']);
  assert.is((await night.puts()).length, 2);
  await night.container.getBlobClient(first ?? '').delete();
  const rest = reportIn(await night.restore('--create', '--json'));
  assert.equal(states(rest).sort(), ['created', 'existed']);
  assert.is((await night.puts()).length, 3);
});

test('refuses a name that is taken, leaves what is there untouched, and copies no other disk', async () => {
  await using night = await Night.create();
  const planned = reportIn(await night.restore('--json'));
  const name = planned.disks[1]?.name ?? '';
  await night.container.getBlockBlobClient(name).upload('precious', 8);
  const { etag } = await night.container.getBlobClient(name).getProperties();
  const ended = await night.restore('--create');
  assert.is(ended.exitCode, 2, ended.stdout);
  assert.match(ended.stderr, 'FF_RESTORE_TARGET_EXISTS');
  assert.match(ended.stderr, name);
  assert.not.match(ended.stderr, 'sig=');
  assert.equal(await night.puts(), [name]);
  const found = await night.container.getBlobClient(name).getProperties();
  assert.is(found.etag, etag);
});

test('takes a copy whose answer was lost for its own, and makes it once', async () => {
  await using night = await Night.create();
  const name = reportIn(await night.restore('--json')).disks[0]?.name ?? '';
  await night.server.setFault({
    ...{ blob: name, at: 'request', operation: 'upload', times: 1 },
    fault: { kind: 'reset', handled: true },
  });
  const ended = await night.restore('--create', '--json');
  assert.is(ended.exitCode, 0, ended.stdout);
  assert.equal(states(reportIn(ended)), ['created', 'created']);
  assert.is((await night.puts()).filter((it) => it === name).length, 2, 'one try, one more');
});

test('says of each disk why the service did not copy it, and refuses a SAS that may not create', async () => {
  await using night = await Night.create();
  const planned = reportIn(await night.restore('--json'));
  const name = planned.disks[0]?.name ?? '';
  await night.server.setFault({
    ...{ blob: name, at: 'request', operation: 'upload' },
    fault: { kind: 'status', status: 409, code: 'CannotVerifyCopySource' },
  });
  const ended = await night.restore('--create', '--json');
  assert.is(ended.exitCode, 1, ended.stdout);
  const report = reportIn(ended);
  assert.equal(states(report), ['failed', 'created']);
  assert.match(report.disks[0]?.error ?? '', 'HTTP 409 CannotVerifyCopySource');
  const to = night.server.containerUrl({ permissions: 'rl' });
  const refused = await night.restore('--to', to, '--create');
  assert.is(refused.exitCode, 2);
  assert.match(refused.stderr, 'FF_CONTAINER_REFUSED');
  assert.not.match(refused.stderr, /sig=(?!REDACTED)/);
});

test.run();
