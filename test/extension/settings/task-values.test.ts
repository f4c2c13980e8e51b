import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { SNAPSHOT_METHODS } from '../../../src/config/vmbackup.ts';
import { interpretSettings } from '../../../src/extension/settings/task-settings.ts';
import { suite } from '../../suite.ts';

import { encode, METADATA, type Members, read, refused } from './read-settings.ts';

const test = suite('values in the settings of a task');

test('no settings at all lack the command; settings that are no object are refused', () => {
  for (const nothing of [undefined, null, {}]) {
    refused(
      () => interpretSettings(nothing, nothing),
      /^commandToExecute of the settings is missing/,
    );
  }
  for (const other of [[], 'geheim', 5, true]) {
    refused(() => interpretSettings(other, undefined), /^the settings must be an object/);
    refused(
      () => read({}, {}, other as unknown as Members),
      /^protectedSettings must be an object/,
    );
  }
});

test('a snapshot needs backupMetadata, which may be empty', () => {
  const message = /^backupMetadata is missing from objectStr of the settings/;
  refused(() => interpretSettings({ commandToExecute: 'snapshot' }, {}), message);
  for (const nothing of [
    '',
    null,
    encode(''),
    encode('null'),
    encode({}),
    encode({ backupMetadata: null }),
  ]) {
    refused(() => read({ objectStr: nothing }), message);
  }
  assert.deepEqual(read({}, { backupMetadata: [] }).metadata, []);
});

test('values of pairs become text; the last of a name counts, whatever its case', () => {
  const pairs = [
    { Key: 'a', Value: 1 },
    { key: 'b', VALUE: true },
    { Key: 'c', Value: null },
    { Key: 'd' },
    { Key: 'A', Value: ' kept as it is ' },
    { Key: 'e', Value: '2' },
  ];
  assert.deepEqual(read({}, { backupMetadata: pairs }).metadata, [
    ['A', ' kept as it is '],
    ['b', 'true'],
    ['c', ''],
    ['d', ''],
    ['e', '2'],
  ]);
});

test('what may stand in either part is taken from the public one, unless it is blank there', () => {
  const logs = (value: unknown) => `https://a.blob.core.windows.net/c/${value}`;
  for (const name of ['logsBlobUri', 'statusBlobUri', 'snapshotTaskToken'] as const) {
    assert.equal(read({ [name]: logs(1) }, {}, { [name]: logs(2) })[name], logs(1));
    for (const blank of [undefined, null, '', ' ']) {
      assert.equal(read({ [name]: blank }, {}, { [name]: logs(2) })[name], logs(2));
    }
    assert.equal(read({}, {}, {})[name], undefined);
  }
  const custom = (retries: number) => JSON.stringify({ backupRetryCount: retries });
  const retriesOf = (inPublic: unknown, inProtected: unknown) =>
    read({ customSettings: inPublic }, {}, { customSettings: inProtected }).custom.backupRetryCount;
  assert.equal(retriesOf(custom(1), custom(2)), 1);
  assert.equal(retriesOf('', custom(2)), 2);
  assert.equal(retriesOf(null, custom(2)), 2);
  assert.equal(retriesOf('{}', custom(2)), 0);
});

test('the token may stand in the public object too, after the settings and before the protected ones', () => {
  const token = (more: Members, object: Members, secret: Members) =>
    read(more, object, secret).snapshotTaskToken;
  const of = (snapshotTaskToken: string) => ({ snapshotTaskToken });
  assert.equal(token(of('1'), of('2'), of('3')), '1');
  assert.equal(token({}, of('2'), of('3')), '2');
  assert.equal(token({}, of(''), of('3')), '3');
});

test('names ignore case, and the exact spelling wins', () => {
  const settings = interpretSettings(
    {
      TASKID: 'wrong',
      taskId: 'right',
      CommandToExecute: 'snapshot',
      VMType: 'MICROSOFT.COMPUTE/VIRTUALMACHINES',
      ObjectStr: encode({
        BackupMetadata: METADATA,
        IncludedDisks: { DataDiskLunList: ['1'], isosdiskincluded: 'True' },
      }),
      CustomSettings: '{"TakeSnapshotFrom": "ONLYHOST"}',
    },
    { OBJECTSTR: encode({ blobSasUri: ['https://a.blob.core.windows.net/c/b?sig=x'] }) },
  );
  assert.equal(settings.taskId, 'right');
  assert.equal(settings.isV2, true);
  assert.deepEqual(settings.includedDisks.luns, [1, -1]);
  assert.equal(settings.custom.takeSnapshotFrom, 'onlyHost');
  assert.equal(settings.blobs.length, 1);
});

test('numbers and flags may come as text, text as a number', () => {
  const { includedDisks, custom, start, taskId } = read(
    {
      taskId: 17,
      commandStartTimeUTCTicks: 636458000000000000n,
      customSettings: {
        isManagedVm: 'TRUE',
        backupRetryCount: ' 2 ',
        canTakeCrashConsistentSnapshot: 1,
        waDiskLunList: ['4', 4],
      },
    },
    {
      includedDisks: {
        dataDiskLunList: ['0', 1, '1'],
        isAnyDiskExcluded: 'false',
        isVMADEEnabled: '1',
        isVmmdBlobIncluded: null,
        instantAccessDurationMinutes: '60',
      },
    },
  );
  assert.equal(taskId, '17');
  assert.equal(start?.ticks, '636458000000000000');
  assert.deepEqual(includedDisks.luns, [0, 1]);
  assert.equal(includedDisks.isAnyDiskExcluded, false);
  assert.equal(includedDisks.isVmAdeEnabled, true);
  assert.equal(includedDisks.instantAccessDurationMinutes, 60);
  assert.equal(custom.isManagedVm, true);
  assert.equal(custom.backupRetryCount, 2);
  assert.equal(custom.canTakeCrashConsistentSnapshot, true);
  assert.deepEqual(custom.writeAcceleratedLuns, [4]);
});

for (const [given, luns] of [
  [undefined, undefined],
  [null, undefined],
  [{}, undefined],
  [{ dataDiskLunList: null }, undefined],
  [{ dataDiskLunList: [] }, []],
  [{ dataDiskLunList: [], isOSDiskIncluded: true }, [-1]],
  [{ isOSDiskIncluded: true }, [-1]],
  [{ dataDiskLunList: [5, 0, 5], isOSDiskIncluded: false }, [5, 0]],
  [{ dataDiskLunList: [-1, 0], isOSDiskIncluded: true }, [-1, 0]],
] as const) {
  test(`includedDisks ${JSON.stringify(given)} are the LUNs ${JSON.stringify(luns)}`, () => {
    assert.deepEqual(read({}, { includedDisks: given }).includedDisks.luns, luns);
  });
}

test('every snapshot method is known in any case', () => {
  for (const method of SNAPSHOT_METHODS) {
    for (const spelling of [method, method.toUpperCase(), ` ${method} `]) {
      const customSettings = JSON.stringify({ takeSnapshotFrom: spelling });
      assert.equal(read({ customSettings }).custom.takeSnapshotFrom, method);
    }
  }
});

test('dynamic configs are spelt as the host knows them; an unknown key is said and ignored', () => {
  const pairs = [
    { Key: 'usemccfforlad', Value: 'False' },
    { Key: 'enablevmsnapshotextensionpolling', Value: true },
    { Key: 'somethingNew', Value: 'geheim' },
    { Key: 'not a word: geheim', Value: 1 },
    { Key: 'useMccfForLad', Value: 'True' },
  ];
  const { dynamicConfigs, warnings } = read({}, { dynamicConfigsFromCRP: pairs });
  assert.deepEqual(dynamicConfigs, [
    ['useMccfForLad', 'True'],
    ['EnableVMSnapshotExtensionPolling', 'true'],
  ]);
  assert.deepEqual(warnings, [
    'dynamicConfigsFromCRP: the key somethingNew is not known and is ignored',
    'dynamicConfigsFromCRP: the key (not a plain word) is not known and is ignored',
  ]);
});

test('an unknown type of VM, and a place for reports that is no text, are warnings', () => {
  assert.equal(read({ vmType: 'microsoft.classiccompute/VirtualMachines' }).warnings.length, 0);
  const { isV2, warnings } = read({ vmType: 'geheim' });
  assert.equal(isV2, false);
  assert.match(warnings.join(), /^vmType is neither/);
  const { logsBlobUri, warnings: others } = read({ logsBlobUri: { a: 'geheim' } });
  assert.equal(logsBlobUri, undefined);
  assert.deepEqual(others, ['ignoring logsBlobUri: not text']);
});

test('65 blobs keep their order; blanks and unicode are percent-encoded, the query stays as signed', () => {
  const uris = Array.from(
    { length: 65 },
    (_, index) =>
      `https://a.blob.core.windows.net/vhds/my%20disk ${index} ü€😀.vhd?sv=1&sig=a%2Fb+c%3D${index}`,
  );
  const { blobs } = read({}, {}, { objectStr: encode({ blobSASUri: uris }) });
  assert.deepEqual(
    blobs.map(({ url }) => url),
    uris.map(
      (_, index) =>
        `https://a.blob.core.windows.net/vhds/my%20disk%20${index}%20%C3%BC%E2%82%AC%F0%9F%98%80.vhd?sv=1&sig=a%2Fb+c%3D${index}`,
    ),
  );
});

test('a blob that is no address of one is a problem of the guest only, named by its place without its text', () => {
  const good = 'https://a.blob.core.windows.net/c/b?sig=x';
  const problemOf = (blobSASUri: readonly unknown[]) => {
    const { blobs, blobProblem, warnings } = read({}, {}, { objectStr: encode({ blobSASUri }) });
    assert.equal(blobs.length, 1);
    assert.doesNotMatch(inspect(blobProblem) + warnings.join(), /geheim/);
    return blobProblem;
  };
  for (const bad of [
    'geheim',
    'ftp://a/c/geheim',
    'https://a.blob.core.windows.net/?sig=geheim',
    `${good}&sig=geheim&snapshot=geheim`,
    '//geheim',
    `${good}#geheim`,
    {},
    ['geheim'],
    true,
  ]) {
    const problem = problemOf([good, bad]);
    assert.equal(problem?.code, 'FF_SETTINGS_INVALID');
    assert.match(problem.message, /blobSASUri\[1\] of objectStr of protectedSettings/);
  }
  for (const empty of [null, '', ' ']) {
    const problem = problemOf([empty, good]);
    assert.equal(problem?.code, 'FF_BLOBS_MISSING');
    assert.match(problem.message, /^blobSASUri\[0\] of objectStr of protectedSettings is empty/);
  }
});

test('a blob with plain http to another machine is asked for over TLS and named as it was given', () => {
  const names = [
    'http://A.blob.example/c/b',
    'http://a.blob.example:80/c/d',
    'HTTP://a.blob.example/e/f',
  ];
  const { blobs, warnings } = read(
    {},
    {},
    { objectStr: encode({ blobSASUri: names.map((name) => `${name}?sv=1&sig=a%2Bb`) }) },
  );
  assert.deepEqual(
    blobs.map(({ name }) => name),
    names,
  );
  assert.deepEqual(
    blobs.map(({ url }) => url),
    ['https://A.blob.example/c/b', 'https://a.blob.example/c/d', 'https://a.blob.example/e/f'].map(
      (url) => `${url}?sv=1&sig=a%2Bb`,
    ),
  );
  assert.deepEqual(warnings, []);
});

test('a blob that is named twice is such a problem, whatever its SAS', () => {
  const blob = 'https://account.blob.core.windows.net/vhds/os.vhd';
  const uris = ['a', 'b'].map((signature) => `${blob}?sv=2020-01-01&sp=rw&sig=${signature}`);
  const { blobProblem } = read({}, {}, { objectStr: encode({ blobSASUri: [null, ...uris] }) });
  assert.equal(blobProblem?.code, 'FF_BLOBS_MISSING');
  const { blobProblem: twice } = read({}, {}, { objectStr: encode({ blobSASUri: uris }) });
  assert.match(
    twice?.message ?? '',
    /blobSASUri\[1\] of objectStr of protectedSettings names the blob of blobSASUri\[0\]/,
  );
});

test.run();
