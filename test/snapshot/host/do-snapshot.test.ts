import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { doSnapshotCall, readDoSnapshot } from '../../../src/snapshot/host/do-snapshot.ts';
import type { HostDiskAnswer } from '../../../src/snapshot/host/host-call.ts';
import { suite } from '../../suite.ts';

const test = suite('do-snapshot');

const URI = 'https://md-1.blob.core.windows.net/abc/abcd?snapshot=2026-11-22T02:41:52.6390000Z';

function read(entries: unknown, luns: readonly number[] = []): HostDiskAnswer[] {
  return readDoSnapshot(200, JSON.stringify({ snapshotInfo: entries }), luns);
}

test('the body has every member of the interface, under its name', () => {
  const { request } = doSnapshotCall({
    taskId: 'task_1',
    diskIds: [-1, 4],
    settings: [['isSnapshotTtlEnabled', true]],
    snapshotTaskToken: 'token',
    metadata: [['DiskEncryptionSettings', [{ Key: 'k', Value: 'v' }]]],
    instantAccessDurationMinutes: 300,
  });
  assert.is(request.path, '/metadata/recsvc/snapshot/dosnapshot?api-version=2017-12-01');
  assert.equal(JSON.parse(request.body?.toString() ?? ''), {
    taskId: 'task_1',
    diskIds: [-1, 4],
    settings: [{ Key: 'isSnapshotTtlEnabled', Value: true }],
    snapshotTaskToken: 'token',
    snapshotMetadata: [{ Key: 'DiskEncryptionSettings', Value: [{ Key: 'k', Value: 'v' }] }],
    instantAccessDurationMinutes: 300,
  });
});

test('success is a boolean or text, and entries belong to the LUNs in order', () => {
  const entries = [
    { isSuccessful: true, snapshotUri: URI, errorMessage: '', statusCode: 200 },
    { isSuccessful: 'True', snapshotUri: `${URI}&sig=verysecret`, statusCode: '200' },
  ];
  const answers = read(entries, [-1, 4]);
  assert.equal(
    answers.map((it) => [it.ok, it.lun, it.uri]),
    [
      [true, -1, URI],
      [true, 4, URI],
    ],
  );
  assert.ok(answers.every((it) => it.ok && it.snapshot === '2026-11-22T02:41:52.6390000Z'));
});

test('URIs come back byte for byte, without the parts of a query that may be secret', () => {
  const cases = [
    ['https://MD-a.blob.example:443/zz/abcd?snapshot=2021-07-31T10%3A07:37Z', undefined],
    ['https://md-dd-1.disk.example/disks/e4/snapshots?snapshotId=C8', undefined],
    ['https://md-1.blob.example:443/a/b', undefined],
    ['https://H:443/a/b?sv=1&snapshot=20&sig=secret', 'https://H:443/a/b?snapshot=20'],
    ['https://H:443/a/b?sig=secret', 'https://H:443/a/b'],
    ['https://me:secret@H:443/a/b?snapshot=20', 'https://h/a/b?snapshot=20'],
  ] as const;
  for (const [snapshotUri, expected = snapshotUri] of cases) {
    for (const isSuccessful of [true, false]) {
      assert.is(read([{ isSuccessful, snapshotUri }])[0]?.uri, expected);
    }
  }
});

test('a disk that failed has a reason, in the Blob service’s words if there are any', () => {
  const [rate, count, other, silent] = read([
    {
      isSuccessful: 'false',
      errorMessage: 'The rate of snapshot blob calls is exceeded.',
      statusCode: '409',
    },
    { isSuccessful: false, errorMessage: 'SnapshotCountExceeded', statusCode: 409 },
    { isSuccessful: false, errorMessage: 'blob?sig=abcdef0123456789 not found', statusCode: 404 },
    {},
  ]);
  assert.is(rate?.ok === false && rate.serviceCode, 'SnapshotOperationRateExceeded');
  assert.is(rate?.ok === false && rate.httpStatus, 409);
  assert.is(count?.ok === false && count.serviceCode, 'SnapshotCountExceeded');
  assert.is(other?.ok === false && other.serviceCode, undefined);
  assert.not.match(other?.ok === false ? other.message : '', 'abcdef');
  assert.match(silent?.ok === false ? silent.message : '', 'no reason');
});

test('Direct Drive identifiers are read with or without a fraction of the second', () => {
  const identifier = { id: 'id-1', token: 'tok', instantAccessDurationMinutes: 60 };
  const times = [
    ['2026-11-22T02:41:52.1234567Z', '2026-11-22T02:41:52.123Z'],
    ['2026-11-22T02:41:52Z', '2026-11-22T02:41:52.000Z'],
    ['2026-11-22T02:41:52.5', '2026-11-22T02:41:52.500Z'],
    ['2026-11-22T02:41:52.5+00:00', '2026-11-22T02:41:52.500Z'],
    ['2026-11-22T04:41:52+02:00', '2026-11-22T02:41:52.000Z'],
  ] as const;
  for (const [creationTime, expected] of times) {
    const ddSnapshotIdentifier = { ...identifier, creationTime };
    const [answer] = read([{ isSuccessful: true, snapshotUri: '', ddSnapshotIdentifier }]);
    assert.is(answer?.directDrive?.createdAt.toISOString(), expected);
    assert.is(answer?.ok === true && answer.snapshot, 'id-1');
    assert.is(answer?.directDrive?.instantAccessDurationMinutes, 60);
  }
  const [bad] = read([{ isSuccessful: true, ddSnapshotIdentifier: { creationTime: 'soon' } }]);
  assert.is(bad?.directDrive, undefined);
});

test('a disk that the answer omits has failed', () => {
  const answers = read([{ isSuccessful: true, snapshotUri: URI }], [-1, 1, 2]);
  assert.equal(
    answers.map((it) => [it.ok, it.lun]),
    [
      [true, undefined],
      [false, undefined],
      [false, undefined],
    ],
  );
  assert.equal(
    read([]).map(({ ok }) => ok),
    [false],
  );
});

test('without a usable answer every disk has failed, with the code', () => {
  const cases: readonly (readonly [number, string, number])[] = [
    [555, '', 555],
    [556, '<html>', 556],
    [557, '', 557],
    [500, '{ "error": {"code": "Busy", "message": "come back"} }', 500],
    [200, 'not JSON', 558],
    [200, '{"snapshotInfo": 7}', 558],
  ];
  for (const [statusCode, body, expected] of cases) {
    const answers = readDoSnapshot(statusCode, body, [0, 1]);
    assert.equal(
      answers.map((it) => [it.ok, it.lun, it.statusCode]),
      [
        [false, 0, expected],
        [false, 1, expected],
      ],
    );
    assert.is(readDoSnapshot(statusCode, body, []).length, 1);
  }
  const [busy] = readDoSnapshot(500, '{ "error": {"code": "Busy", "message": "come back"} }', []);
  assert.match(busy?.ok === false ? busy.message : '', 'Busy, come back');
});

test('for any answer of the host, reading it does not throw and omits no disk', () => {
  const luns = fc.uniqueArray(fc.integer({ min: -1, max: 63 }), { maxLength: 5 });
  const body = fc.oneof(
    fc.string(),
    fc.json(),
    fc
      .array(fc.jsonValue(), { maxLength: 6 })
      .map((snapshotInfo) => JSON.stringify({ snapshotInfo })),
  );
  fc.assert(
    fc.property(fc.constantFrom(200, 201, 404, 500, 555, 556), body, luns, (code, text, disks) => {
      const answers = readDoSnapshot(code, text, disks);
      assert.ok(answers.length >= Math.max(1, disks.length));
    }),
  );
});

test.run();
