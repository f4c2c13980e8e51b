import * as assert from 'uvu/assert';
import type { ConnectionFault, ManagedFault } from '../../../src/lab/managed/model.ts';
import { suite } from '../../suite.ts';
import { at, DISK_VERSION, Rig } from './fixtures/rig.ts';

const test = suite('faults of the lab’s managed disks');

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'answered';
  } catch (error) {
    const { code, name } = error as Error & { readonly code?: string };
    return code ?? name;
  }
}

test('an error of one disk, wrapped or bare, with Retry-After; the others are well', async () => {
  await using rig = await Rig.start({}, [{}, {}]);
  const fault = {
    kind: 'error',
    status: 429,
    code: 'SubscriptionRequestsThrottled',
    retryAfterSeconds: 1200,
  } as const;
  await rig.lab.setFault({ call: 'put-snapshot', disk: 'DISK1', fault });
  assert.is((await rig.put('s0', 'disk0')).status, 202);
  const wrapped = await rig.put('s1', 'disk1');
  assert.is(wrapped.status, 429);
  assert.is(at(wrapped, 'error.code'), 'SubscriptionRequestsThrottled');
  assert.is(wrapped.headers['retry-after'], '1200');
  await rig.lab.clearFaults();
  await rig.lab.setFault({
    call: 'put-snapshot',
    disk: 'disk1',
    fault: { ...fault, shape: 'bare' },
  });
  const bare = await rig.put('s1', 'disk1');
  assert.is(at(bare, 'code'), 'SubscriptionRequestsThrottled');
  const logged = (await rig.lab.requests()).filter(({ disk }) => disk === 'disk1');
  assert.equal(
    logged.map(({ call, status, code, fault: kind }) => [call, status, code, kind]),
    Array.from({ length: 2 }, () => ['put-snapshot', 429, fault.code, 'error']),
  );
});

test('rules spare and hit as many as they say, on the calls that they name', async () => {
  await using rig = await Rig.start({ operation: { outcome: 'never' } });
  const url = (await rig.put('s1')).headers['azure-asyncoperation'] ?? '';
  const fault = { kind: 'error', status: 500, code: 'InternalServerError' } as const;
  await rig.lab.setFault({
    call: ['poll-operation', 'poll-location'],
    ...{ disk: 'disk0', skip: 1, times: 2, fault },
  });
  const statuses = [];
  for (let count = 0; count < 4; count += 1) {
    statuses.push((await rig.arm('GET', url)).status);
  }
  assert.equal(statuses, [200, 500, 500, 200]);
});

test('a rule may end by itself', async () => {
  await using rig = await Rig.start();
  const fault = { kind: 'error', status: 410, code: 'gone' } as const;
  await rig.lab.setFault({ call: 'token', forMs: 0, fault });
  assert.is((await rig.tokenReply()).status, 200);
});

const broken: readonly (readonly [ManagedFault & { handled: boolean }, RegExp])[] = [
  [{ kind: 'reset', handled: false }, /ECONNRESET|UND_ERR_SOCKET/],
  [{ kind: 'reset', handled: true }, /ECONNRESET|UND_ERR_SOCKET/],
  [{ kind: 'half-answer', handled: true, ending: 'close' }, /ECONNRESET|UND_ERR_SOCKET|HPE_/],
  [{ kind: 'garbage', handled: false }, /HTTPParserError|HPE_/],
];
test('broken answers: the client fails, the snapshot exists if the request was handled', async () => {
  await using rig = await Rig.start();
  for (const [index, [fault, expected]] of broken.entries()) {
    const name = `s${index}`;
    const what = `${fault.kind}, handled ${fault.handled}`;
    const existing = async (): Promise<boolean> =>
      (await rig.lab.snapshots()).some((snapshot) => snapshot.name === name);
    await rig.lab.setFault({ call: 'put-snapshot', times: 1, fault });
    assert.match(await codeOf(rig.put(name)), expected, what);
    assert.is(await existing(), fault.handled, what);
    const put = (await rig.lab.requests()).findLast(({ call }) => call === 'put-snapshot');
    assert.is(put?.fault, fault.kind);
    assert.is(put?.answeredNs, undefined, what);
    assert.is((await rig.put(name)).status, 202, what);
    assert.is((await rig.lab.snapshots()).length, index + 1, what);
  }
});

test('a raw answer, and one that closes the connection after it', async () => {
  await using rig = await Rig.start();
  const target = `${rig.lab.diskId('disk0')}?${DISK_VERSION}`;
  const fault = { kind: 'answer', status: 200, body: '{"properties":7}' } as const;
  await rig.lab.setFault({ call: 'get-disk', times: 1, fault });
  assert.is(at(await rig.arm('GET', target), 'properties'), 7);
  await rig.lab.setFault({ call: 'get-disk', times: 1, fault: { kind: 'close-after' } });
  const closed = await rig.arm('GET', target);
  assert.is(closed.status, 200);
  assert.is(closed.headers.connection, 'close');
});

test('slow: well, but later than others that came after it', async () => {
  await using rig = await Rig.start();
  await rig.token();
  const target = `${rig.lab.diskId('disk0')}?${DISK_VERSION}`;
  await rig.lab.setFault({ call: 'get-disk', times: 1, fault: { kind: 'slow', delayMs: 1_500 } });
  await Promise.all([rig.arm('GET', target), rig.arm('GET', target)]);
  const [, slow, quick] = await rig.lab.requests();
  assert.is(slow?.fault, 'slow');
  assert.ok((slow?.answeredNs ?? 0n) > (quick?.answeredNs ?? 0n));
});

const connectionFaults: readonly (readonly [ConnectionFault['kind'], RegExp])[] = [
  ['close-at-accept', /ECONNRESET|UND_ERR_SOCKET/],
  ['tls-garbage', /EPROTO|ERR_SSL/],
  ['tls-untrusted', /DEPTH_ZERO_SELF_SIGNED_CERT/],
];
test('faults of connections: no request gets through, until they are cleared', async () => {
  await using rig = await Rig.start();
  for (const [kind, expected] of connectionFaults) {
    await rig.lab.setFault({ call: 'connection', fault: { kind } });
    await rig.lab.cutConnections();
    assert.match(await codeOf(rig.put('s1')), expected, kind);
    await rig.lab.clearFaults();
    assert.is((await rig.put('s1')).status, 202, kind);
  }
});

test('a service that is stopped refuses connections, cut ones are gone', async () => {
  await using rig = await Rig.start();
  await rig.put('s1');
  await rig.lab.cutConnections();
  assert.is((await rig.put('s2')).status, 202);
  await rig.lab.stop('arm');
  assert.match(await codeOf(rig.put('s3')), /ECONNREFUSED|UND_ERR_SOCKET|ECONNRESET/);
  assert.is((await rig.metadata('instance/compute?api-version=2021-12-13')).status, 200);
  await rig.lab.stop('metadata');
  assert.match(await codeOf(rig.tokenReply()), /ECONNREFUSED|UND_ERR_SOCKET|ECONNRESET/);
});

test.run();
