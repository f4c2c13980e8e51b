import * as assert from 'uvu/assert';
import { suite } from '../../suite.ts';
import { at, DISK_VERSION, Rig } from './fixtures/rig.ts';

const test = suite('throttling of the lab');

test('what is left counts down, for each kind of request', async () => {
  const limits = { writes: { bucket: 200, perSecond: 0 }, reads: { bucket: 250, perSecond: 0 } };
  await using rig = await Rig.start({ limits });
  const prefix = 'x-ms-ratelimit-remaining';
  const first = await rig.put('s1');
  const second = await rig.put('s2');
  assert.is(first.headers[`${prefix}-subscription-writes`], '199');
  assert.is(first.headers[`${prefix}-subscription-global-writes`], '2999');
  assert.is(second.headers[`${prefix}-subscription-writes`], '198');
  assert.match(
    first.headers[`${prefix}-resource`] ?? '',
    /^Microsoft\.Compute\/HighCostSnapshotCreateHydrate3Min;999,Microsoft\.Compute\/HighCostSnapshotCreateHydrate30Min;7999$/,
  );
  const disk = await rig.arm('GET', `${rig.lab.diskId('disk0')}?${DISK_VERSION}`);
  assert.is(disk.headers[`${prefix}-subscription-reads`], '249');
  assert.match(disk.headers[`${prefix}-resource`] ?? '', /LowCostGet3Min;14999/);
  const poll = await rig.arm('GET', first.headers['azure-asyncoperation'] ?? '');
  assert.match(poll.headers[`${prefix}-resource`] ?? '', /GetOperation3Min;49999/);
});

test('an empty bucket of the subscription refuses', async () => {
  await using rig = await Rig.start({ limits: { writes: { bucket: 1, perSecond: 0.01 } } });
  assert.is((await rig.put('s1')).status, 202);
  for (const name of ['s2', 's3']) {
    const refused = await rig.put(name);
    assert.is(refused.status, 429);
    assert.is(at(refused, 'error.code'), 'SubscriptionRequestsThrottled');
    assert.ok(Number(refused.headers['retry-after']) >= 99);
  }
  assert.is((await rig.arm('GET', rig.snapshotPath('s1'))).status, 200);
});

test('an empty bucket of compute refuses without the wrapper', async () => {
  const limits = { policies: { HighCostSnapshotCreateHydrate3Min: 1 } };
  await using rig = await Rig.start({ limits });
  await rig.put('s1');
  const refused = await rig.put('s2');
  assert.is(refused.status, 429);
  assert.is(at(refused, 'code'), 'OperationNotAllowed');
  assert.is(at(refused, 'details.0.code'), 'TooManyRequests');
  assert.is(at(refused, 'details.0.target'), 'HighCostSnapshotCreateHydrate3Min');
  assert.type(JSON.parse(String(at(refused, 'details.0.message'))), 'object');
  assert.is(refused.headers['retry-after'], '180');
});

test('without limits nothing is refused', async () => {
  await using rig = await Rig.start({ limits: 'none' });
  const names = Array.from({ length: 210 }, (_, index) => `s${index}`);
  const replies = await Promise.all(names.map((name) => rig.put(name)));
  assert.ok(replies.every(({ status }) => status === 202));
});

test.run();
