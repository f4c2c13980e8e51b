import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { outcomeOf } from '../../../src/extension/status/message.ts';
import { redactReport } from '../../../src/extension/status/redact-report.ts';
import {
  MAX_COPY_CHARACTERS,
  MAX_STATUS_FILE_CHARACTERS,
  renderStatusBlob,
  renderStatusFile,
} from '../../../src/extension/status/render.ts';
import type { SnapshotInfo, TaskReport } from '../../../src/extension/task-types.ts';
import { Redaction } from '../../../src/log/redaction.ts';
import { type Consistency, RESULTS, type ResultCode } from '../../../src/result-codes.ts';
import { suite } from '../../suite.ts';
import { goodReport, NOW, takenSnapshot } from '../fixtures/reports.ts';
import { seenByAgent } from './agent-limits.ts';

const test = suite('status');

interface Parsed {
  readonly version: string;
  readonly timestampUTC: string;
  readonly status: Readonly<Record<string, unknown>> & {
    readonly status: string;
    readonly code: string;
    readonly formattedMessage: { readonly lang: string; readonly message: string };
    readonly substatus: readonly {
      readonly name: string;
      readonly formattedMessage: { readonly message: string };
    }[];
  };
}

function parse(text: string): Parsed {
  const parsed = JSON.parse(text) as Parsed[];
  assert.is(parsed.length, 1);
  return parsed[0] as Parsed;
}

const messageOf = (text: string): string =>
  (JSON.parse(parse(text).status.formattedMessage.message) as { messageStr: string }).messageStr;

const copyOf = (file: string): string => parse(file).status.substatus[0]?.name ?? '';

test('the blob is byte for byte what the service reads', () => {
  const uri = 'https://account.blob.example/vhds/disk0.vhd';
  assert.is(
    renderStatusBlob(goodReport(1), NOW),
    String.raw`[{"version":"1.0","timestampUTC":"\/Date(1795315796739)\/","status":{` +
      '"name":"Microsoft.Azure.RecoveryServices.VMSnapshotLinux","operation":"Enable",' +
      '"status":"success","substatus":[],"code":"1",' +
      '"taskId":"e07354cf-041e-4370-929f-25a319ce8933_1",' +
      '"commandStartTimeUTCTicks":"636458304000000000",' +
      String.raw`"formattedMessage":{"lang":"en-US","message":"{\"messageStr\":\"Snapshots of every disk were taken. StatusCode.success, snapshotCreator=guestExtension, \",\"snapshotConsistency\":1,\"jobMessage\":\"\",\"isSizeComputationFailed\":false}"},` +
      '"storageDetails":{"partitionCount":3,"totalUsedSizeInBytes":123456789,' +
      '"isStoragespacePresent":false,"isSizeComputationFailed":false},' +
      '"telemetryData":[{"Key":"extensionVersion","Value":"1.0.9200.0"},' +
      '{"Key":"kernelVersion","Value":"6.8.0-1017-azure"}],' +
      '"uniqueMachineId":"0a1b2c3d-0000-4000-8000-1234567890ab",' +
      `"snapshotInfo":[{"isSuccessful":true,"snapshotUri":"${uri}?snapshot=2026-11-22T02:41:52.6390000Z",` +
      `"errorMessage":"","blobUri":"${uri}","directDriveSnapshotIdentifier":null}],` +
      '"vmHealthInfo":{"vmHealthState":0,"vmHealthStatusCode":1}}}]',
  );
});

test('the file is byte for byte what the agent reads, with the blob as its substatus', () => {
  const report = goodReport(1);
  const copy = JSON.stringify(renderStatusBlob(report, NOW));
  assert.is(
    renderStatusFile(report, NOW),
    '[{"version":"1.0","timestampUTC":"2026-11-22T02:49:56Z","status":{' +
      '"name":"Microsoft.Azure.RecoveryServices.VMSnapshotLinux","operation":"Enable",' +
      `"status":"success","substatus":[{"code":"0","name":${copy},"status":"success",` +
      '"formattedMessage":{"lang":"en-US","message":""}}],"code":"1",' +
      '"taskId":"e07354cf-041e-4370-929f-25a319ce8933_1",' +
      '"commandStartTimeUTCTicks":"636458304000000000",' +
      String.raw`"formattedMessage":{"lang":"en-US","message":"{\"messageStr\":\"Snapshots of every disk were taken. StatusCode.success, snapshotCreator=guestExtension, \",\"snapshotConsistency\":1,\"jobMessage\":\"\",\"isSizeComputationFailed\":false}"},` +
      '"storageDetails":{"partitionCount":3,"totalUsedSizeInBytes":123456789,' +
      '"isStoragespacePresent":false,"isSizeComputationFailed":false},' +
      '"telemetryData":null,"uniqueMachineId":"0a1b2c3d-0000-4000-8000-1234567890ab",' +
      '"snapshotInfo":null,"vmHealthInfo":null}}]',
  );
});

test('every code has its name in the message, its number and its health in the blob', () => {
  const healthNumbers = { green: 0, yellow: 128, red: 256 };
  for (const code of Object.keys(RESULTS).map((key) => Number(key) as ResultCode)) {
    const blob = renderStatusBlob(goodReport(0, { code, creator: undefined }), NOW);
    const { status } = parse(blob);
    assert.is(status.code, code === 761 ? '76' : String(code));
    assert.equal(status.vmHealthInfo, {
      vmHealthState: healthNumbers[RESULTS[code].health],
      vmHealthStatusCode: code,
    });
    const ending = code === 4 ? '' : ` StatusCode.${RESULTS[code].name},`;
    assert.is(messageOf(blob), `Snapshots of every disk were taken.${ending}`);
  }
});

test('the message ends with the values that are known', () => {
  const report = goodReport(1, {
    creator: {
      name: 'backupHostService',
      hostStatusCodePreSnapshot: '200',
      hostStatusCodeDoSnapshot: '556',
    },
    statusBlobUploadError: true,
  });
  assert.is(
    messageOf(renderStatusBlob(report, NOW)),
    'Snapshots of every disk were taken. StatusCode.success, snapshotCreator=backupHostService, ' +
      'hostStatusCodePreSnapshot=200, hostStatusCodeDoSnapshot=556, statusBlobUploadError=true, ',
  );
});

test('the first status stands for itself and is terminal', () => {
  const report = goodReport(0, {
    code: 4,
    message: 'Transitioning state in extension',
    consistency: 'none',
    creator: undefined,
    storage: undefined,
  });
  const file = renderStatusFile(report, NOW);
  assert.is(messageOf(file), 'Transitioning state in extension');
  assert.is(parse(file).status.status, 'success');
  assert.equal(parse(file).status.storageDetails, {
    partitionCount: 0,
    totalUsedSizeInBytes: 0,
    isStoragespacePresent: false,
    isSizeComputationFailed: true,
  });
});

test('the blob tells the outcome; the file of a V2 machine says success, that of another one the outcome', () => {
  const failed: SnapshotInfo = {
    isSuccessful: false,
    snapshotUri: undefined,
    errorMessage: 'HTTP 403',
    blobUri: 'https://account.blob.example/vhds/disk1.vhd',
  };
  const cases: readonly (readonly [
    ResultCode,
    Consistency,
    readonly SnapshotInfo[],
    'success' | 'error',
  ])[] = [
    [0, 'applicationConsistent', [takenSnapshot(0)], 'success'],
    [1, 'fileSystemConsistent', [takenSnapshot(0)], 'success'],
    [3, 'none', [], 'success'],
    [2, 'none', [], 'error'],
    [121, 'none', [], 'error'],
    [121, 'crashConsistent', [takenSnapshot(0)], 'success'],
    [300, 'fileSystemConsistent', [takenSnapshot(0)], 'success'],
    [300, 'none', [], 'error'],
    [300, 'none', [takenSnapshot(0)], 'error'],
    [761, 'none', [takenSnapshot(0), failed], 'error'],
    [761, 'crashConsistent', [takenSnapshot(0), failed], 'error'],
    [402, 'none', [], 'error'],
  ];
  for (const [code, consistency, snapshots, expected] of cases) {
    const report = goodReport(0, { code, consistency, snapshots });
    assert.is(parse(renderStatusBlob(report, NOW)).status.status, expected, `${code}`);
    assert.is(parse(renderStatusFile(report, NOW)).status.status, 'success');
    const v1 = renderStatusFile({ ...report, isV2: false }, NOW);
    assert.is(parse(v1).status.status, expected);
  }
});

test('the code is the outcome alone; the warning is in the health, the name in the message', () => {
  const failed = { ...takenSnapshot(0), isSuccessful: false };
  const cases: readonly [ResultCode, Consistency, readonly SnapshotInfo[], string][] = [
    [300, 'fileSystemConsistent', [takenSnapshot(0)], '1'],
    [317, 'crashConsistent', [takenSnapshot(0)], '1'],
    [503, 'fileSystemConsistent', [takenSnapshot(0)], '1'],
    [0, 'applicationConsistent', [takenSnapshot(0)], '0'],
    [300, 'none', [failed], '300'],
    [761, 'none', [takenSnapshot(0), failed], '76'],
    [173, 'none', [failed], '173'],
    [556, 'none', [failed], '556'],
    [402, 'none', [], '402'],
  ];
  for (const [code, consistency, snapshots, expected] of cases) {
    const report = goodReport(0, { code, consistency, snapshots });
    const { status } = parse(renderStatusBlob(report, NOW));
    assert.is(status.code, expected, `${code}`);
    assert.is(parse(renderStatusFile(report, NOW)).status.code, expected, `${code}`);
    assert.is((status.vmHealthInfo as { vmHealthStatusCode: number }).vmHealthStatusCode, code);
    assert.match(messageOf(renderStatusBlob(report, NOW)), `StatusCode.${RESULTS[code].name},`);
  }
});

test('a snapshot that failed, an unnamed blob and an empty list are null', () => {
  const snapshots = [
    { isSuccessful: false, snapshotUri: undefined, errorMessage: 'no', blobUri: 'https://a/b/c' },
    { isSuccessful: false, snapshotUri: undefined, errorMessage: 'no', blobUri: undefined },
  ];
  const directDriveSnapshotIdentifier = null;
  const failed = { isSuccessful: false, snapshotUri: null, errorMessage: 'no' };
  assert.equal(parse(renderStatusBlob(goodReport(0, { snapshots }), NOW)).status.snapshotInfo, [
    { ...failed, blobUri: 'https://a/b/c', directDriveSnapshotIdentifier },
    { ...failed, blobUri: null, directDriveSnapshotIdentifier },
  ]);
  assert.is(parse(renderStatusBlob(goodReport(0), NOW)).status.snapshotInfo, null);
});

test('both places that tell whether the size is known agree', () => {
  for (const isSizeComputationFailed of [true, false, undefined]) {
    const storage =
      isSizeComputationFailed === undefined
        ? undefined
        : { partitionCount: 1, totalUsedSizeInBytes: 1, isSizeComputationFailed };
    const { status } = parse(renderStatusBlob(goodReport(0, { storage }), NOW));
    const expected = isSizeComputationFailed ?? true;
    const inMessage = JSON.parse(status.formattedMessage.message) as Record<string, unknown>;
    const inDetails = status.storageDetails as Record<string, unknown>;
    assert.is(inMessage.isSizeComputationFailed, expected);
    assert.is(inDetails.isSizeComputationFailed, expected);
  }
});

test('the copy is whole where it fits, and leaves the snapshots out where it does not', () => {
  const few = renderStatusFile(goodReport(8), NOW);
  assert.is(copyOf(few), renderStatusBlob(goodReport(8), NOW));
  const copy = parse(copyOf(renderStatusFile(goodReport(65), NOW)));
  assert.not('snapshotInfo' in copy.status);
  const whole = parse(renderStatusBlob(goodReport(65), NOW)) as unknown as {
    status: { snapshotInfo?: unknown[] };
  };
  assert.is(whole.status.snapshotInfo?.length, 65);
  delete whole.status.snapshotInfo;
  assert.equal(copy, whole);
});

test('a long message is cut in the file, keeps its prescribed end, and is whole in the blob', () => {
  for (const kib of [1, 9, 10, 11, 64, 128, 200]) {
    for (const filling of ['a', '"', '\\', '\u0001', 'é', '😀', 'line\n']) {
      const message = filling.repeat(Math.ceil((kib * 1024) / filling.length));
      const report = goodReport(65, { message });
      assert.is(messageOf(renderStatusBlob(report, NOW)).slice(0, message.length), message);
      const file = renderStatusFile(report, NOW);
      assert.ok(file.length <= MAX_STATUS_FILE_CHARACTERS, `${kib} ${filling}`);
      assert.ok(copyOf(file).length <= MAX_COPY_CHARACTERS, `${kib} ${filling}`);
      for (const text of [file, copyOf(file)]) {
        assert.match(messageOf(text), / StatusCode\.success, snapshotCreator=guestExtension, $/);
        assert.ok(messageOf(text).length > 700, `${kib} ${filling}: something is left of it`);
        assert.ok(messageOf(text).isWellFormed());
      }
    }
  }
});

test('telemetry makes room for a message that would not fit beside it', () => {
  const telemetry = Array.from(
    { length: 40 },
    (_, index) => [`key${index}`, 'x'.repeat(240)] as const,
  );
  const report = goodReport(65, { telemetry, message: 'm'.repeat(20_000) });
  const copy = parse(copyOf(renderStatusFile(report, NOW)));
  assert.equal(copy.status.telemetryData, []);
  assert.ok(copy.status.formattedMessage.message.length > 8_000);
});

test('telemetry that does not even fit beside an empty message is left out', () => {
  const telemetry = Array.from({ length: 45 }, () => ['key', '"'.repeat(500)] as const);
  const text = renderStatusFile(goodReport(65, { telemetry, message: '' }), NOW);
  assert.ok(copyOf(text).length <= MAX_COPY_CHARACTERS);
  assert.equal(seenByAgent(text), { kind: 'reported', isCut: false, status: 'success' });
});

const reports: fc.Arbitrary<TaskReport> = fc.record({
  handlerName: fc.string({ unit: 'binary', maxLength: 400 }),
  code: fc.constantFrom(...Object.keys(RESULTS).map((key) => Number(key) as ResultCode)),
  message: fc
    .tuple(fc.string({ unit: 'binary', maxLength: 60 }), fc.nat({ max: 5_000 }))
    .map(([text, times]) => text.repeat(times).slice(0, 200 * 1024)),
  consistency: fc.constantFrom<Consistency[]>(
    'none',
    'crashConsistent',
    'fileSystemConsistent',
    'applicationConsistent',
  ),
  taskId: fc.string({ unit: 'binary', maxLength: 1_000 }),
  startTicks: fc.string({ unit: 'binary', maxLength: 1_000 }),
  locale: fc.string(),
  isV2: fc.boolean(),
  storage: fc.option(
    fc.record({
      partitionCount: fc.nat(),
      totalUsedSizeInBytes: fc.maxSafeNat(),
      isSizeComputationFailed: fc.boolean(),
    }),
    { nil: undefined },
  ),
  telemetry: fc.array(
    fc.tuple(fc.string({ maxLength: 40 }), fc.string({ unit: 'binary', maxLength: 3_000 })),
    { maxLength: 45 },
  ),
  uniqueMachineId: fc.string({ unit: 'binary', maxLength: 1_000 }),
  snapshots: fc.array(
    fc.record({
      isSuccessful: fc.boolean(),
      snapshotUri: fc.option(fc.webUrl(), { nil: undefined }),
      errorMessage: fc.string({ unit: 'binary', maxLength: 6_000 }),
      blobUri: fc.webUrl(),
    }),
    { maxLength: 65 },
  ),
  creator: fc.option(
    fc.record({
      name: fc.constantFrom('guestExtension' as const, 'backupHostService' as const),
      hostStatusCodePreSnapshot: fc.option(fc.string({ maxLength: 200 }), { nil: undefined }),
      hostStatusCodeDoSnapshot: fc.option(fc.string({ maxLength: 200 }), { nil: undefined }),
    }),
    { nil: undefined },
  ),
  statusBlobUploadError: fc.boolean(),
});

test('whatever the report, the agent reports the file uncut and the blob is JSON in ASCII', () => {
  fc.assert(
    fc.property(reports, fc.boolean(), (drawn, withHalfPairs) => {
      const message = withHalfPairs ? `\udc00${drawn.message}\ud83d` : drawn.message;
      const report = { ...drawn, message };
      const blob = renderStatusBlob(report, NOW);
      const file = renderStatusFile(report, NOW);
      for (const text of [blob, file, copyOf(file)]) {
        assert.match(text, /^[\x20-\x7e]*$/);
        assert.is(parse(text).status.code, String(outcomeOf(report)));
        assert.ok(messageOf(text).isWellFormed());
      }
      assert.ok(blob.length < 10 * 1024 * 1024);
      assert.ok(file.length <= MAX_STATUS_FILE_CHARACTERS);
      assert.ok(copyOf(file).length <= MAX_COPY_CHARACTERS);
      const seen = seenByAgent(file);
      assert.ok(seen.kind === 'reported' && !seen.isCut, JSON.stringify(seen));
      const { substatus } = parse(file).status;
      assert.is(substatus[0]?.formattedMessage.message, '');
    }),
    { numRuns: 60 },
  );
});

test('the checker of the agent’s limits finds what it looks for', () => {
  const file = renderStatusFile(goodReport(1), NOW);
  const odd = (change: (text: string) => string): string => {
    const text = change(file);
    assert.is.not(text, file);
    return seenByAgent(text).kind;
  };
  assert.is(seenByAgent(file).kind, 'reported');
  assert.is(
    odd((text) => text.slice(0, -1)),
    'rejected',
  );
  assert.is(
    odd((text) =>
      text.replace('"status":"success","formattedMessage"', '"status":"fine","formattedMessage"'),
    ),
    'rejected',
  );
  const long = (text: string): string =>
    text.replace('"taskId":"', `"taskId":"${'x'.repeat(131_072)}`);
  assert.equal(seenByAgent(long(file)), { kind: 'reported', isCut: true, status: 'success' });
  assert.is(
    odd((text) => long(text).replace('{"lang":"en-US","message":""}', 'null')),
    'vm-silenced',
  );
});

test('a report is redacted before its texts are escaped', () => {
  const secret = 'Tywk/OXL1zvhXcLujtC+t8g3jTpgbE6JpSWRLZxAdtA=';
  const url = `https://account.blob.example/vhds/x.vhd?sv=1&sig=${encodeURIComponent(secret)}&sp=rw`;
  const redaction = new Redaction();
  redaction.addUrl(url);
  const report = goodReport(0, {
    message: `PUT "${url}" failed`,
    telemetry: [['x', `${url} é`]],
    snapshots: [{ isSuccessful: false, snapshotUri: `${url}&a`, errorMessage: url, blobUri: url }],
  });
  const isSecretIn = (text: string): boolean => /Tywk|XL1zvh|JpSWRL|xAdtA/.test(text);
  const redacted = redactReport(report, redaction);
  for (const render of [renderStatusBlob, renderStatusFile]) {
    assert.ok(isSecretIn(render(report, NOW)));
    assert.not.ok(isSecretIn(render(redacted, NOW)));
    assert.is(seenByAgent(render(redacted, NOW)).kind, 'reported');
  }
});

test('a password that is a part of a URI, a time or a size changes none of them', () => {
  const redaction = new Redaction();
  for (const password of ['vhds', '2026', '0001', '4096', 'sdc1']) {
    redaction.add(password);
  }
  const disk = {
    isSuccessful: true,
    snapshotUri: 'https://account.blob.example/vhds/sdc1.vhd?snapshot=2026-11-22T02:41:52.6390000Z',
    errorMessage: '',
    blobUri: 'https://account.blob.example/vhds/sdc1.vhd',
  };
  const telemetry = [['FreezeTime', '0:00:00.000123'] as const, ['totalsdSize', '4096'] as const];
  const report = goodReport(0, { message: 'the logon vhds failed', telemetry, snapshots: [disk] });
  const redacted = redactReport(report, redaction);
  assert.equal(redacted.snapshots, [disk]);
  assert.equal(redacted.telemetry, telemetry);
  assert.is(redacted.message, 'the logon REDACTED failed');
});

test.run();
