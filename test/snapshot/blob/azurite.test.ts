import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import {
  BlobSASPermissions,
  ContainerClient,
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  type PageBlobClient,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import * as assert from 'uvu/assert';
import { azuriteProgram } from '../../../src/lab/azurite-program.ts';
import { uploadManifest } from '../../../src/restore-points/manifest-upload.ts';
import { BlobLanes } from '../../../src/snapshot/blob/lanes.ts';
import { NO_HEAD } from '../../../src/snapshot/matching/blob-head.ts';
import { identify } from '../../../src/snapshot/matching/identify.ts';
import { suite } from '../../suite.ts';
import { recordedHead } from '../matching/fixtures/heads.ts';
import { trustOwnAuthority } from './fixtures/authority.ts';
import { blobAt } from './fixtures/blobs.ts';
import { inMs } from './fixtures/window.ts';

const { folder } = trustOwnAuthority(import.meta.filename);
const test = suite('lanes against Azurite');

const ACCOUNT = 'devstoreaccount1';
/** Azurite's well-known key, printed in its documentation. */
const CREDENTIAL = new StorageSharedKeyCredential(
  ACCOUNT,
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==',
);

class Azurite implements AsyncDisposable {
  readonly container: ContainerClient;
  readonly #child: ReturnType<typeof spawn>;

  private constructor(child: ReturnType<typeof spawn>, origin: string) {
    this.#child = child;
    this.container = new ContainerClient(`${origin}/${ACCOUNT}/disks`, CREDENTIAL);
  }

  static async start(): Promise<Azurite> {
    const tls = ['--cert', join(folder, 'trusted.pem'), '--key', join(folder, 'trusted.key')];
    const own = ['--blobPort', '0', '--inMemoryPersistence', '--disableTelemetry', '--silent'];
    // Azure's own client, which prepares the test, uses a newer version than Azurite knows.
    const lenient = ['--skipApiVersionCheck'];
    const child = spawn(process.execPath, [azuriteProgram(), ...own, ...lenient, ...tls], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    process.once('exit', () => child.kill());
    try {
      const azurite = new Azurite(child, await originSaidBy(child.stdout));
      await azurite.container.create();
      return azurite;
    } catch (error) {
      child.kill();
      throw error;
    }
  }

  async disk(name: string, content: string | Buffer): Promise<PageBlobClient> {
    const blob = this.container.getPageBlobClient(name);
    await blob.create(1_048_576, { metadata: { own: 'metadata' } });
    const pages = typeof content === 'string' ? Buffer.alloc(512, content) : content;
    await blob.uploadPages(pages, 0, pages.length);
    return blob;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#child, 'close');
    this.#child.kill();
    await closed;
  }
}

function originSaidBy(output: Readable): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = '';
  output.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    const origin = /successfully listens on (https:\S+)/.exec(text)?.[1];
    if (origin !== undefined) {
      resolve(origin);
    }
  });
  output.on('end', () => reject(new Error(`Azurite ended: ${text}`)));
  return promise;
}

function withSas(blob: PageBlobClient, permissions: string, version?: string): string {
  const sas = generateBlobSASQueryParameters(
    {
      containerName: blob.containerName,
      blobName: blob.name,
      permissions: BlobSASPermissions.parse(permissions),
      expiresOn: new Date(Date.now() + 3_600_000),
      ...(version === undefined ? {} : { version }),
    },
    CREDENTIAL,
  );
  return `${blob.url}?${sas}`;
}

test('page blobs are read, and snapshotted with their new metadata', async () => {
  await using azurite = await Azurite.start();
  const btrfs = recordedHead('btrfs-1');
  const readable = await azurite.disk('readable.vhd', btrfs);
  const writable = await azurite.disk('write only.vhd', 'second');
  const absent = azurite.container.getPageBlobClient('absent.vhd');
  await using lanes = await BlobLanes.open([
    {
      blob: blobAt(withSas(readable, 'rw')),
      metadata: [['Task', 'e07354cf_1']],
      clientRequestId: 't/0',
    },
    { blob: blobAt(withSas(writable, 'w')), metadata: [], clientRequestId: 't/1' },
    { blob: blobAt(withSas(absent, 'rw')), metadata: [], clientRequestId: 't/2' },
    { blob: blobAt(withSas(absent, 'w')), metadata: [], clientRequestId: 't/3' },
  ]);
  const found = await lanes.preflight();
  assert.equal(
    found.map((one) => (one.ok ? [one.head.identity, one.sizeBytes] : one.failure.httpStatus)),
    [[identify(btrfs), 1_048_576], [NO_HEAD.identity, undefined], 404, 404],
  );
  lanes.describe([[['flashfreeze_run', 'r']], [['flashfreeze_run', 'r']], [], []]);
  const warm = await lanes.rewarm();
  assert.equal(
    warm.map((one) => one.ok && one.warm),
    [true, true, false, false],
  );
  lanes.fire([0, 1], inMs(10_000));
  const answers = await lanes.answers();
  assert.equal(
    answers.map(({ httpStatus, attempts }) => [httpStatus, attempts]),
    [
      [201, 1],
      [201, 1],
      [undefined, 0],
      [undefined, 0],
    ],
  );
  for (const [index, blob, metadata] of [
    [0, readable, { task: 'e07354cf_1', flashfreeze_run: 'r' }],
    [1, writable, { own: 'metadata' }],
  ] as const) {
    const snapshot = blob.withSnapshot(answers[index]?.snapshot ?? '');
    assert.equal((await snapshot.getProperties()).metadata, metadata);
  }
});

test('a snapshot says which restore point it belongs to, beside the blob’s own metadata', async () => {
  await using azurite = await Azurite.start();
  const disk = await azurite.disk('d.vhd', 'x');
  const blob = blobAt(withSas(disk, 'rw'));
  await using lanes = await BlobLanes.open([{ blob, metadata: [], clientRequestId: 't/0' }]);
  await lanes.preflight();
  lanes.describe([[['flashfreeze_run', 'old']]]);
  await lanes.rewarm();
  // As after a plan that was made again.
  lanes.describe([
    [
      ['flashfreeze_run', 'r'],
      ['flashfreeze_disk', '1 of 1'],
    ],
  ]);
  lanes.fire([0], inMs(10_000));
  const [answer] = await lanes.answers();
  const { metadata } = await disk.withSnapshot(answer?.snapshot ?? '').getProperties();
  assert.equal(metadata, { own: 'metadata', flashfreeze_run: 'r', flashfreeze_disk: '1 of 1' });
});

test('a manifest is written as a new blob, and never over one that exists', async () => {
  await using azurite = await Azurite.start();
  const { container } = azurite;
  const urlWith = (permissions: string): string => {
    const expiresOn = new Date(Date.now() + 3_600_000);
    const grant = { permissions: ContainerSASPermissions.parse(permissions), expiresOn };
    const scope = { containerName: container.containerName, ...grant };
    return `${container.url}?${generateBlobSASQueryParameters(scope, CREDENTIAL)}`;
  };
  const name = 'flashfreeze/db1/20261129T065228Z-1.json';
  const write = (permissions: string, text: string) =>
    uploadManifest(urlWith(permissions), name, text, undefined);
  assert.is((await write('r', '{}'))?.httpStatus, 403);
  assert.is(await write('c', '{"a":1}'), undefined);
  assert.is((await write('cw', '{"a":2}'))?.httpStatus, 409);
  const blob = container.getBlobClient(name);
  assert.is((await blob.downloadToBuffer()).toString(), '{"a":1}');
  assert.is((await blob.getProperties()).contentType, 'application/json');
});

test('a SAS with a wrong signature is refused before anything is frozen', async () => {
  await using azurite = await Azurite.start();
  const blob = await azurite.disk('d.vhd', 'x');
  const url = withSas(blob, 'rw').replace(/sig=...../, 'sig=wrong');
  await using lanes = await BlobLanes.open([
    { blob: blobAt(url), metadata: [], clientRequestId: 't/0' },
  ]);
  const [found] = await lanes.preflight();
  assert.ok(found?.ok === false);
  assert.is(found.failure.httpStatus, 403);
});

test.run();
