import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import type { OperationPlan } from '../../../src/lab/managed/model.ts';
import { suite } from '../../suite.ts';
import { at, type Reply, Rig } from './fixtures/rig.ts';

const test = suite('operations of the lab');

const asyncUrl = ({ headers }: Reply): string => headers['azure-asyncoperation'] ?? '';

test('both URLs are of 3 to 4 KB, work only whole, and the polls say InProgress so often', async () => {
  await using rig = await Rig.start({ operation: { durationMs: 0, inProgress: 2 } });
  const accepted = await rig.put('s1');
  const { location = '', 'retry-after': retryAfter } = accepted.headers;
  for (const url of [asyncUrl(accepted), location]) {
    assert.ok(url.length > 3000 && url.length < 4096, String(url.length));
    assert.ok(url.startsWith(rig.lab.armUrl));
    assert.is((await rig.arm('GET', url.slice(0, -1))).status, 403);
  }
  assert.match(location, /[?&]monitor=true&/);
  assert.is(retryAfter, '2');
  const polls = [await rig.arm('GET', asyncUrl(accepted)), await rig.arm('GET', location)];
  assert.equal(
    polls.map((poll) => at(poll, 'status') ?? poll.status),
    ['InProgress', 202],
  );
  const ended = await rig.end(accepted);
  assert.is(at(ended, 'properties.output.properties.provisioningState'), 'Succeeded');
  assert.match(String(at(ended, 'endTime')), /\.\d{7}\+00:00$/);
  const resource = await rig.arm('GET', location);
  assert.is(at(resource, 'name'), 's1');
});

const headerCases: readonly (readonly [OperationPlan['headers'], boolean, boolean])[] = [
  ['both', true, true],
  ['async-only', true, false],
  ['location-only', false, true],
  ['none', false, false],
];
test('the 202 has the URLs that its plan says, and no others', async () => {
  await using rig = await Rig.start();
  for (const [headers, hasAsync, hasLocation] of headerCases) {
    await rig.lab.setOperation({ headers, retryAfterSeconds: undefined });
    const accepted = await rig.put(headers);
    assert.is(accepted.status, 202, headers);
    assert.is(accepted.headers['azure-asyncoperation'] !== undefined, hasAsync, headers);
    assert.is(accepted.headers.location !== undefined, hasLocation, headers);
    assert.is(accepted.headers['retry-after'], undefined, headers);
  }
});

test('at once: 200 with the finished resource', async () => {
  await using rig = await Rig.start({ operation: { headers: 'at-once', durationMs: 20 } });
  const reply = await rig.put('s1');
  assert.is(reply.status, 200);
  assert.is(at(reply, 'properties.provisioningState'), 'Succeeded');
  assert.is(reply.headers['azure-asyncoperation'], undefined);
  const [snapshot] = await rig.lab.snapshots();
  assert.ok(snapshot?.copyEndNs);
});

test('Failed and Canceled: the poll has the error, the snapshot no content', async () => {
  const error = { code: 'DiskServiceInternalError', message: 'no luck' };
  await using rig = await Rig.start({ operation: { error, durationMs: 0 } });
  for (const outcome of ['Failed', 'Canceled'] as const) {
    await rig.lab.setOperation({ outcome });
    const accepted = await rig.put(outcome);
    const ended = await rig.end(accepted);
    assert.is(ended.status, 200, outcome);
    assert.is(at(ended, 'status'), outcome);
    assert.is(at(ended, 'error.code'), 'DiskServiceInternalError');
    assert.ok((await rig.arm('GET', accepted.headers.location ?? '')).status >= 400);
    const resource = await rig.arm('GET', rig.snapshotPath(outcome));
    assert.is(at(resource, 'properties.provisioningState'), 'Failed');
    assert.is((await rig.lab.snapshots()).at(-1)?.imagePath, undefined);
  }
});

test('one disk never ends, the others do', async () => {
  await using rig = await Rig.start({}, [{}, { operation: { outcome: 'never' } }]);
  const [first, second] = await Promise.all([rig.put('s1', 'disk0'), rig.put('s2', 'disk1')]);
  await rig.end(first);
  assert.is(at(await rig.arm('GET', asyncUrl(second)), 'status'), 'InProgress');
});

test('a plan can be changed while the lab runs, and every other word means running', async () => {
  await using rig = await Rig.start();
  await rig.lab.setOperation({ inProgress: 1, runningWord: 'Replicating' }, 'disk0');
  const accepted = await rig.put('s1');
  assert.is(at(await rig.arm('GET', asyncUrl(accepted)), 'status'), 'Replicating');
});

test('a guest that writes at the 202 is found out at the end, and at the arrival it is not', async () => {
  await using rig = await Rig.start({
    operation: { durationMs: 0, inProgress: 1, retryAfterSeconds: 0 },
  });
  const [image = ''] = rig.images;
  for (const [pointInTime, content] of [
    ['arrival', 'before'],
    ['end', 'after'],
  ] as const) {
    await rig.lab.setOperation({ pointInTime });
    await writeFile(image, 'before');
    const accepted = await rig.put(pointInTime);
    await writeFile(image, 'after');
    await rig.end(accepted);
    const taken = (await rig.lab.snapshots()).at(-1);
    assert.is(await readFile(taken?.imagePath ?? '', 'utf8'), content, pointInTime);
  }
});

test('between, the picture is taken while the operation still runs', async () => {
  const durationMs = 100;
  await using rig = await Rig.start({
    operation: { durationMs, inProgress: 1000, pointInTime: 'between' },
  });
  await rig.put('s1');
  let [snapshot] = await rig.lab.snapshots();
  while (snapshot?.copyEndNs === undefined) {
    [snapshot] = await rig.lab.snapshots();
  }
  const [, put] = await rig.lab.requests();
  assert.is(snapshot.provisioningState, 'Updating');
  assert.is(put?.call, 'put-snapshot');
  assert.ok(
    (snapshot.copyStartNs ?? 0n) - (put?.receivedNs ?? 0n) >
      BigInt(durationMs / 2 - 2) * 1_000_000n,
  );
});

test('at the arrival, the picture is whole before the 202; at the end, there is none before the last poll', async () => {
  await using rig = await Rig.start({ operation: { durationMs: 0, inProgress: 1000 } });
  await rig.lab.setOperation({ pointInTime: 'arrival' });
  await rig.put('arrival');
  await rig.lab.setOperation({ pointInTime: 'end' });
  await rig.put('end');
  // Long enough for a picture that is taken too early.
  await sleep(50);
  const [arrival, end] = await rig.lab.snapshots();
  const put = (await rig.lab.requests()).find(({ resource }) => resource === 'arrival');
  assert.ok((arrival?.copyEndNs ?? 2n ** 63n) <= (put?.answeredNs ?? 0n));
  assert.is(end?.copyStartNs, undefined);
});

test('no operation has succeeded before its picture is whole', async () => {
  const disks = Array.from({ length: 8 }, () => ({}));
  await using rig = await Rig.start(
    { operation: { pointInTime: 'random', durationMs: 30 } },
    disks,
  );
  const accepted = await Promise.all(disks.map((_, index) => rig.put(`s${index}`, `disk${index}`)));
  await Promise.all(accepted.map((reply) => rig.end(reply)));
  for (const { copyEndNs, endedNs } of await rig.lab.snapshots()) {
    assert.ok((copyEndNs ?? 0n) > 0n && (endedNs ?? 0n) >= (copyEndNs ?? 0n));
  }
});

test('URLs can point elsewhere, for a client that must not carry its token there', async () => {
  await using rig = await Rig.start({ operation: { urlBase: 'https://127.0.0.1:1' } });
  assert.ok(asyncUrl(await rig.put('s1')).startsWith('https://127.0.0.1:1/subscriptions/'));
});

test.run();
