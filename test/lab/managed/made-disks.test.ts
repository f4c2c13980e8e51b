import { readFile } from 'node:fs/promises';
import { Agent, request } from 'undici';
import * as assert from 'uvu/assert';
import { suite } from '../../suite.ts';
import { at, CONNECT_LIMIT_MS, DISK_VERSION, type Reply, Rig } from './fixtures/rig.ts';

const test = suite('disks made of snapshots, and their content, in the lab');

async function taken(): Promise<Rig> {
  const rig = await Rig.start({ groups: ['drills'] });
  await rig.end(await rig.put('s1'));
  await rig.end(await rig.put('s2'));
  return rig;
}

function bodyOf(rig: Rig, source = 's1', more: object = {}): object {
  return {
    ...{ location: rig.lab.vm.location, sku: { name: 'Premium_LRS' } },
    properties: {
      creationData: {
        ...{ createOption: 'Copy', sourceResourceId: rig.lab.resourceId(`snapshots/${source}`) },
      },
    },
    ...more,
  };
}

function putDisk(rig: Rig, name: string, body: object): Promise<Reply> {
  return rig.arm('PUT', `${rig.lab.diskId(name)}?${DISK_VERSION}`, body);
}

test('a disk has the content of its snapshot, and keeps its source', async () => {
  await using rig = await taken();
  await rig.end(await putDisk(rig, 'new', bodyOf(rig)));
  const [made] = await rig.lab.madeDisks();
  assert.equal(await readFile(made?.imagePath ?? ''), await readFile(rig.images[0] ?? ''));
  const found = await rig.arm('GET', `${rig.lab.diskId('new')}?${DISK_VERSION}`);
  assert.is(at(found, 'properties.provisioningState'), 'Succeeded');
  assert.is(at(found, 'properties.creationData.sourceResourceId'), made?.source);
  const again = await putDisk(rig, 'new', bodyOf(rig));
  assert.is(again.status, 202);
  assert.is((await rig.lab.madeDisks()).length, 1);
  for (const name of ['new', 'disk0']) {
    const other = await putDisk(rig, name, bodyOf(rig, 's2'));
    assert.is(at(other, 'code'), 'PropertyChangeNotAllowed', name);
  }
});

test('what the service would refuse is refused', async () => {
  await using rig = await taken();
  const { properties } = bodyOf(rig) as { properties: object };
  const table: readonly (readonly [body: object, status: number])[] = [
    [bodyOf(rig, 'none'), 404],
    [bodyOf(rig, 's1', { location: 'elsewhere' }), 400],
    [bodyOf(rig, 's1', { sku: { name: 'Best_LRS' } }), 400],
    [bodyOf(rig, 's1', { sku: { name: 'Premium_ZRS' }, zones: ['1'] }), 400],
    [bodyOf(rig, 's1', { properties: { ...properties, unknownField: 1 } }), 400],
    [bodyOf(rig, 's1', { sku: undefined }), 400],
  ];
  for (const [body, status] of table) {
    assert.is((await putDisk(rig, 'new', body)).status, status, JSON.stringify(body));
  }
  await rig.lab.deny('Microsoft.Compute/snapshots/beginGetAccess/action');
  const denied = await putDisk(rig, 'new', bodyOf(rig));
  assert.is(at(denied, 'error.code'), 'LinkedAuthorizationFailed');
  assert.equal(await rig.lab.madeDisks(), []);
});

test('content is read by a SAS until its access is ended', async () => {
  await using rig = await taken();
  const path = (verb: string): string =>
    `${rig.lab.resourceId('snapshots/s1')}/${verb}?${DISK_VERSION}`;
  const access = { access: 'Read', durationInSeconds: 60 };
  const begun = await rig.end(await rig.arm('POST', path('beginGetAccess'), access));
  const url = String(at(begun, 'properties.output.accessSAS'));
  const ca = await readFile(rig.lab.caPath);
  const dispatcher = new Agent({ connect: { ca, timeout: CONNECT_LIMIT_MS } });
  const read = async (from: string, headers: Record<string, string> = {}) => {
    const { statusCode, body } = await request(from, {
      ...{ dispatcher, headers: { range: 'bytes=4096-4099', ...headers } },
    });
    return { statusCode, bytes: Buffer.from(await body.arrayBuffer()) };
  };
  const image = await readFile(rig.images[0] ?? '');
  assert.equal(await read(url), { statusCode: 206, bytes: image.subarray(4096, 4100) });
  assert.is((await read(url.replace(/sig=.*/, 'sig=x'))).statusCode, 403);
  const snapshot = await rig.arm('GET', rig.snapshotPath('s1'));
  assert.is(at(snapshot, 'properties.diskState'), 'ActiveSAS');
  assert.equal(await rig.lab.openAccesses(), ['s1']);
  assert.equal(await rig.lab.violations(), []);
  await read(url, { authorization: 'Bearer x' });
  assert.is((await rig.lab.violations()).length, 1);
  await rig.end(await rig.arm('POST', path('endGetAccess')));
  assert.is((await read(url)).statusCode, 403);
  assert.equal(await rig.lab.openAccesses(), []);
  await dispatcher.close();
});

test.run();
