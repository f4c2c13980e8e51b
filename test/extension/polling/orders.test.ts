import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { waitMs } from '../../../src/extension/polling/back-off.ts';
import {
  describeDisks,
  publishSnapshotRequest,
  readOrder,
  startSnapshotCall,
} from '../../../src/extension/polling/orders.ts';
import { suite } from '../../suite.ts';

const test = suite('orders of the host');
const NO_SETTINGS = {
  publicSettings: undefined,
  protectedSettings: undefined,
  thumbprint: undefined,
};
const ORDER = { snapshotId: 'snap-1', luns: undefined, settings: NO_SETTINGS };

test('404 is nothing to do, 200 an order, everything else a failure', () => {
  assert.equal(readOrder(404, ''), { kind: 'nothing' });
  const body = '{"snapshotId": "snap-1", "luns": [0, "1", -1, null, 1.5]}';
  const order = { ...ORDER, luns: [0, 1, -1] };
  assert.equal(readOrder(200, body), { kind: 'order', order });
  assert.equal(readOrder(200, '\ufeff{"SnapshotID": "snap-1"}'), { kind: 'order', order: ORDER });
  for (const garbage of [
    '',
    'null',
    '[]',
    '{}',
    '{"snapshotId": 7}',
    '{"snapshotId": ""}',
    '<h1>',
  ]) {
    assert.equal(readOrder(200, garbage), { kind: 'failed', statusCode: 558 });
  }
  assert.equal(readOrder(555, ''), { kind: 'failed', statusCode: 555 });
  assert.equal(readOrder(500, body), { kind: 'failed', statusCode: 500 });
});

test('the settings are taken as they come, whatever they are', () => {
  const answer = readOrder(
    200,
    JSON.stringify({
      snapshotId: 'snap-1',
      extensionSettings: { public: { locale: 'fr-FR' }, protected: 'Q01T' },
      ProtectedSettingsCertThumbprint: 'ABCD',
    }),
  );
  assert.equal(answer.kind === 'order' && answer.order.settings, {
    publicSettings: { locale: 'fr-FR' },
    protectedSettings: 'Q01T',
    thumbprint: 'ABCD',
  });
  for (const extensionSettings of [null, 7, 'text', []]) {
    const body = JSON.stringify({ snapshotId: 'snap-1', extensionSettings });
    assert.equal(readOrder(200, body), { kind: 'order', order: ORDER });
  }
});

test('the disks of an order are told in a line of bearable length', () => {
  assert.is(describeDisks({ luns: undefined }), 'every disk');
  assert.is(describeDisks({ luns: [] }), 'every disk');
  assert.is(describeDisks({ luns: [-1, 3] }), 'LUN -1, 3');
  const luns = Array.from({ length: 5_000 }, (_, index) => index);
  assert.match(describeDisks({ luns }), / 98, 99 and 4900 more$/);
});

test('whatever the host answers, reading it does not throw', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 100, max: 600 }),
      fc.oneof(fc.string(), fc.json()),
      (code, body) => {
        const answer = readOrder(code, body);
        assert.ok(answer.kind !== 'order' || /^[\x21-\x7e]{1,256}$/.test(answer.order.snapshotId));
      },
    ),
  );
});

test('the requests name the snapshot, and what went wrong', () => {
  const { request, readAnswer } = startSnapshotCall(ORDER);
  assert.is(request.path, '/machine/plugins?comp=xdisksvc&type=startsnapshot');
  assert.equal(JSON.parse(String(request.body)), { snapshotId: 'snap-1', errMsg: '' });
  const fault = { code: '121', message: 'it did not freeze' };
  const publish = publishSnapshotRequest(ORDER, fault);
  assert.is(publish.path, '/machine/plugins?comp=xdisksvc&type=publishsnapshot');
  assert.equal(JSON.parse(String(publish.body)), {
    snapshotId: 'snap-1',
    errMsg: 'it did not freeze',
    error: fault,
  });
  assert.equal(
    [200, 201, 204, 557, 404, 500, 555].map((code) => readAnswer(code, '')[0]?.ok),
    [true, true, true, true, false, false, false],
  );
});

test('the wait is never longer than the interval, and after a failure not the same for all', () => {
  assert.is(waitMs(1_000, false, 0.3), 1_000);
  assert.is(waitMs(1_000, true, 0), 500);
  assert.is(waitMs(1_000, true, 1), 1_000);
  const interval = fc.double({ min: 1, max: 1e12, noNaN: true });
  fc.assert(
    fc.property(
      interval,
      fc.boolean(),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (ms, hasFailed, random) => {
        const wait = waitMs(ms, hasFailed, random);
        assert.ok(wait > 0 && wait <= Math.min(ms, 24 * 3_600_000));
      },
    ),
  );
});

test.run();
