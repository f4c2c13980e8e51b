import { readFile, stat, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import * as azure from '@azure/storage-blob';
import * as assert from 'uvu/assert';
import { PREMIUM_LIMITS } from '../../../src/lab/blob-server/model.ts';
import { DATA_BYTES, IMAGE_BYTES, Rig } from '../../../src/lab/blob-server/rig.ts';
import { suite } from '../../suite.ts';

const test = suite('blob server');

test('GET with a range answers 206 with the bytes of the image', async () => {
  await using rig = await Rig.start();
  const reply = await rig.ask(rig.server.sasUrl('disk0'), {
    headers: {
      Range: 'bytes=512-1023',
      'x-ms-client-request-id': 'task/0',
      'x-ms-version': '2020-04-08',
    },
  });
  const image = await readFile(rig.images[0] ?? '');
  assert.is(reply.status, 206);
  assert.equal(reply.body, image.subarray(512, 1024));
  assert.is(reply.headers['content-range'], `bytes 512-1023/${IMAGE_BYTES}`);
  assert.is(reply.headers['x-ms-blob-type'], 'PageBlob');
  assert.is(reply.headers['x-ms-client-request-id'], 'task/0');
  assert.is(reply.headers['x-ms-version'], '2020-04-08');
  assert.ok(reply.headers['x-ms-request-id']);
});

test('HEAD tells the size and sends no body', async () => {
  await using rig = await Rig.start();
  const reply = await rig.ask(rig.server.sasUrl('disk0'), { method: 'HEAD' });
  assert.is(reply.status, 200);
  assert.is(reply.headers['content-length'], String(IMAGE_BYTES));
  assert.is(reply.body.length, 0);
});

test('comp=metadata answers the metadata of the blob', async () => {
  await using rig = await Rig.start({}, 1, { DiskEncryptionSettings: 'abc' });
  const reply = await rig.ask(`${rig.server.sasUrl('disk0')}&comp=metadata`);
  assert.is(reply.headers['x-ms-meta-diskencryptionsettings'], 'abc');
});

test('a snapshot keeps the content of its moment, as sparse as the image', async () => {
  await using rig = await Rig.start();
  const before = await readFile(rig.images[0] ?? '');
  const reply = await rig.snapshot();
  await writeFile(rig.images[0] ?? '', Buffer.alloc(DATA_BYTES, 7), { flag: 'r+' });
  const [record] = await rig.server.snapshots('disk0');
  assert.is(reply.status, 201);
  assert.is(reply.headers['x-ms-snapshot'], record?.snapshot);
  assert.match(record?.snapshot ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$/);
  assert.equal(await readFile(record?.imagePath ?? ''), before);
  assert.ok((await stat(record?.imagePath ?? '')).blocks * 512 < IMAGE_BYTES / 2);
});

test('a snapshot is read by its URI and gone after its deletion', async () => {
  await using rig = await Rig.start();
  const { headers } = await rig.snapshot();
  const url = `${rig.server.sasUrl('disk0')}&snapshot=${headers['x-ms-snapshot']}`;
  assert.is((await rig.ask(url)).body.length, IMAGE_BYTES);
  const [record] = await rig.server.snapshots('disk0');
  assert.is((await rig.ask(url, { method: 'DELETE' })).status, 202);
  assert.is((await rig.ask(url)).headers['x-ms-error-code'], 'BlobNotFound');
  const left = await stat(record?.imagePath ?? '').catch(() => undefined);
  assert.is(left, undefined);
});

test('snapshot time stamps are unique and increase', async () => {
  await using rig = await Rig.start({ snapshotContent: 'none' });
  const replies = await Promise.all(Array.from({ length: 50 }, () => rig.snapshot()));
  const records = await rig.server.snapshots('disk0');
  const stamps = records.map(({ snapshot }) => snapshot);
  assert.is(new Set(replies.map(({ headers }) => headers['x-ms-snapshot'])).size, 50);
  assert.equal(stamps, [...new Set(stamps)].sort());
});

test('given metadata replaces the blob’s own in the snapshot, none keeps it', async () => {
  await using rig = await Rig.start({}, 1, { own: '1' });
  await rig.snapshot('disk0', { 'x-ms-meta-Task': 'T' });
  await rig.snapshot('disk0');
  const records = await rig.server.snapshots('disk0');
  assert.equal(
    records.map(({ metadata }) => metadata),
    [{ Task: 'T' }, { own: '1' }],
  );
});

test('@azure/storage-blob lists the snapshots and deletes one', async () => {
  await using rig = await Rig.start({}, 2);
  setDefaultCACertificates([...getCACertificates(), await readFile(rig.server.caPath, 'utf8')]);
  await rig.snapshot('disk1');
  const { body, headers } = await rig.ask(
    `${rig.server.containerUrl()}&restype=container&comp=list&include=snapshots`,
  );
  assert.is(headers['content-type'], 'application/xml');
  assert.match(body.toString(), /<Name>disk0<\/Name>/);
  const [record] = await rig.server.snapshots('disk1');
  const listed = await listWithClient(rig);
  assert.equal(listed, [
    ['disk0', undefined],
    ['disk1', record?.snapshot],
    ['disk1', undefined],
  ]);
  const client = new azure.BlobClient(rig.server.sasUrl('disk1'));
  await client.withSnapshot(record?.snapshot ?? '').delete();
  assert.is((await listWithClient(rig)).length, 2);
});

async function listWithClient(rig: Rig): Promise<[string, string | undefined][]> {
  const client = new azure.ContainerClient(
    rig.server.containerUrl(),
    new azure.AnonymousCredential(),
  );
  const found: [string, string | undefined][] = [];
  for await (const { name, snapshot } of client.listBlobsFlat({ includeSnapshots: true })) {
    found.push([name, snapshot]);
  }
  return found;
}

test('a SAS made by @azure/storage-blob is accepted', async () => {
  await using rig = await Rig.start();
  const query = azure.generateBlobSASQueryParameters(
    {
      containerName: 'disks',
      blobName: 'disk0',
      permissions: azure.BlobSASPermissions.parse('r'),
      expiresOn: new Date(Date.now() + 60_000),
      startsOn: new Date(Date.now() - 60_000),
    },
    new azure.StorageSharedKeyCredential('lab', rig.server.accountKey),
  );
  const [base] = rig.server.sasUrl('disk0').split('?');
  assert.is((await rig.ask(`${base}?${query}`)).status, 200);
});

test('a SAS that does not serve is refused as the service refuses it', async () => {
  await using rig = await Rig.start();
  const { server } = rig;
  const good = server.sasUrl('disk0');
  const cases: readonly (readonly [string, number, string])[] = [
    [server.sasUrl('disk0', { expires: new Date(0) }), 403, 'AuthenticationFailed'],
    [good.replace(/sig=..../, 'sig=AAAA'), 403, 'AuthenticationFailed'],
    [good.replace('sp=', 'sp=x'), 403, 'AuthenticationFailed'],
    [server.sasUrl('disk0', { permissions: 'r' }), 403, 'AuthorizationPermissionMismatch'],
    [good.split('?')[0] ?? '', 401, 'NoAuthenticationInformation'],
  ];
  for (const [url, status, code] of cases) {
    const separator = url.includes('?') ? '&' : '?';
    const reply = await rig.ask(`${url}${separator}comp=snapshot`, {
      method: 'PUT',
      headers: { 'Content-Length': '0' },
    });
    assert.is(reply.status, status);
    assert.is(reply.headers['x-ms-error-code'], code);
    assert.match(reply.body.toString(), `<Code>${code}</Code>`);
  }
  assert.is((await server.snapshots('disk0')).length, 0);
});

test('blobs and containers that do not exist answer 404 with their code', async () => {
  await using rig = await Rig.start();
  const container = rig.server.containerUrl();
  const blob = container.replace('/disks?', '/disks/nothing?');
  assert.is((await rig.ask(blob)).headers['x-ms-error-code'], 'BlobNotFound');
});

test('a premium blob grants one snapshot in ten minutes', async () => {
  await using rig = await Rig.start({ limits: PREMIUM_LIMITS });
  assert.is((await rig.snapshot()).status, 201);
  const second = await rig.snapshot();
  assert.is(second.status, 409);
  assert.is(second.headers['x-ms-error-code'], 'SnapshotOperationRateExceeded');
});

test('a blob that has its most snapshots gets no more', async () => {
  await using rig = await Rig.start({ limits: { minimumIntervalMs: 0, maximumCount: 2 } });
  await rig.snapshot();
  await rig.snapshot();
  const third = await rig.snapshot();
  assert.is(third.headers['x-ms-error-code'], 'SnapshotCountExceeded');
});

test('the copy falls between request and answer, never outside', async () => {
  await using rig = await Rig.start({ latency: { kind: 'uniform', fromMs: 5, toMs: 30 } }, 4);
  await Promise.all(rig.server.urls.map((_, index) => rig.snapshot(`disk${index}`)));
  for (const request of await rig.server.requests()) {
    const [record] = await rig.server.snapshots(request.blob ?? '');
    assert.ok(record !== undefined && request.answeredNs !== undefined);
    assert.ok(request.receivedNs <= record.copyStartNs);
    assert.ok(record.copyEndNs <= request.answeredNs);
    assert.ok(request.answeredNs - request.receivedNs >= 4_000_000n);
  }
});

test('a request that waits for its answer is answered when that is wanted, the next one waits again', async () => {
  const ms = 600_000;
  await using rig = await Rig.start({ latency: { kind: 'fixed', ms } });
  const ask = async (): Promise<void> => {
    const replied = rig.snapshot();
    const known = (await rig.server.snapshots('disk0')).length;
    const isWaiting = async (): Promise<boolean> =>
      (await rig.server.requests()).some(({ answeredNs }) => answeredNs === undefined);
    while (!(await isWaiting())) {
      await delay(5);
    }
    assert.is((await rig.server.snapshots('disk0')).length, known);
    await rig.server.answerNow();
    assert.is((await replied).status, 201);
    assert.is((await rig.server.snapshots('disk0')).length, known + 1);
  };
  await ask();
  await ask();
});

test('the request log names the connection and hides the signature', async () => {
  await using rig = await Rig.start();
  await rig.ask(rig.server.sasUrl('disk0'), { headers: { Range: 'bytes=0-511' } });
  await rig.snapshot('disk0', { 'x-ms-client-request-id': 'task/0' });
  const [read, snapshot] = await rig.server.requests();
  assert.is(read?.operation, 'read');
  assert.is(read?.status, 206);
  assert.is(snapshot?.operation, 'snapshot');
  assert.is(snapshot?.clientRequestId, 'task/0');
  assert.is(snapshot?.connection, read?.connection);
  assert.match(snapshot?.target ?? '', /sig=REDACTED/);
});

test('the server process ends with its owner’s end of the channel', async () => {
  const rig = await Rig.start();
  const { pid } = rig.server;
  await rig[Symbol.asyncDispose]();
  assert.throws(() => process.kill(pid ?? 0, 0), /ESRCH/);
});

test.run();
