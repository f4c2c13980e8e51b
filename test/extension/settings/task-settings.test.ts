import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { SNAPSHOT_METHODS } from '../../../src/config/vmbackup.ts';
import { FlashfreezeError } from '../../../src/errors.ts';
import type { TaskSettings } from '../../../src/extension/model.ts';
import { interpretSettings } from '../../../src/extension/settings/task-settings.ts';
import { suite } from '../../suite.ts';
import { PRIVATE_OBJECT, PROPERTY_VALUES } from '../fixtures/samples.ts';

const test = suite('settings of a task');

type Members = Readonly<Record<string, unknown>>;

function encode(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return Buffer.from(text, 'utf8').toString('base64');
}

const METADATA = [{ Key: 'backupTaskId', Value: '1' }];

/** Settings of a snapshot with everything that is required, and more. */
function read(more: Members = {}, object: Members = {}, secret: Members = {}): TaskSettings {
  const objectStr = encode({ backupMetadata: METADATA, ...object });
  return interpretSettings({ commandToExecute: 'snapshot', objectStr, ...more }, secret);
}

function refused(interpret: () => unknown, message: RegExp): void {
  assert.throws(interpret, (error) => {
    assert.ok(error instanceof FlashfreezeError, inspect(error));
    assert.equal(error.code, 'FF_SETTINGS_INVALID');
    assert.match(error.message, message);
    assert.doesNotMatch(inspect(error), /geheim/);
    return true;
  });
}

test('the least that a snapshot needs leaves everything else at its default', () => {
  assert.deepEqual(read(), {
    taskId: '',
    command: 'snapshot',
    start: undefined,
    locale: 'en-US',
    isV2: false,
    blobs: [],
    metadata: [['backupTaskId', '1']],
    logsBlobUri: undefined,
    statusBlobUri: undefined,
    snapshotTaskToken: undefined,
    includedDisks: {
      luns: undefined,
      isOsDiskIncluded: false,
      isAnyDiskExcluded: false,
      isVmgsBlobIncluded: false,
      isAnyWriteAcceleratedDiskIncluded: false,
      isAnyDirectDriveDiskIncluded: false,
      isVmmdBlobIncluded: false,
      isVmAdeEnabled: false,
      instantAccessDurationMinutes: undefined,
    },
    dynamicConfigs: [],
    custom: {
      takeSnapshotFrom: undefined,
      isManagedVm: false,
      backupTaskId: undefined,
      writeAcceleratedLuns: [],
      canTakeCrashConsistentSnapshot: false,
      backupRetryCount: 0,
      isOnlyOsDiskBackupEnabled: false,
    },
    warnings: [],
  });
});

const FULL_CUSTOM_SETTINGS = {
  takeSnapshotFrom: 'onlyGuest',
  isManagedVm: true,
  backupTaskId: 'other_1',
  waDiskLunList: [3],
  canTakeCrashConsistentSnapshot: true,
  backupRetryCount: 2,
  isOnlyOSDiskBackupEnabled: true,
};

const FULL_SETTINGS = {
  taskId: 'e07354cf-041e-4370-929f-25a319ce8933_1',
  commandToExecute: 'snapshot',
  commandStartTimeUTCTicks: '636458000000000000',
  locale: 'fr-FR',
  vmType: 'Microsoft.Compute/VirtualMachines',
  objectStr: encode({
    backupMetadata: [...METADATA, { Key: 'Retention', Value: 'Ünï' }],
    includedDisks: {
      dataDiskLunList: [0, 2],
      isOSDiskIncluded: true,
      isAnyDiskExcluded: true,
      isVmgsBlobIncluded: true,
      isAnyWADiskIncluded: true,
      isAnyDirectDriveDiskIncluded: true,
      isVmmdBlobIncluded: true,
      isVMADEEnabled: true,
      instantAccessDurationMinutes: 300,
    },
    dynamicConfigsFromCRP: [{ Key: 'ISSNAPSHOTTTLENABLED', Value: true }],
  }),
  customSettings: JSON.stringify(FULL_CUSTOM_SETTINGS),
  logsBlobUri: 'https://a.blob.core.windows.net/l/l.txt?sig=a',
};

const FULL_PROTECTED_SETTINGS = {
  objectStr: encode(PRIVATE_OBJECT),
  statusBlobUri: 'https://a.blob.core.windows.net/l/s.txt?sig=b',
  snapshotTaskToken: 'token',
};

test('everything that can be said is understood', () => {
  assert.deepEqual(interpretSettings(FULL_SETTINGS, FULL_PROTECTED_SETTINGS), {
    taskId: 'e07354cf-041e-4370-929f-25a319ce8933_1',
    command: 'snapshot',
    start: { ticks: '636458000000000000', at: new Date('2017-11-09T04:53:20Z') },
    locale: 'fr-FR',
    isV2: true,
    blobs: JSON.parse(PRIVATE_OBJECT).blobSASUri,
    metadata: [
      ['backupTaskId', '1'],
      ['Retention', 'Ünï'],
    ],
    logsBlobUri: 'https://a.blob.core.windows.net/l/l.txt?sig=a',
    statusBlobUri: 'https://a.blob.core.windows.net/l/s.txt?sig=b',
    snapshotTaskToken: 'token',
    includedDisks: {
      luns: [0, 2, -1],
      isOsDiskIncluded: true,
      isAnyDiskExcluded: true,
      isVmgsBlobIncluded: true,
      isAnyWriteAcceleratedDiskIncluded: true,
      isAnyDirectDriveDiskIncluded: true,
      isVmmdBlobIncluded: true,
      isVmAdeEnabled: true,
      instantAccessDurationMinutes: 300,
    },
    dynamicConfigs: [['isSnapshotTtlEnabled', 'true']],
    custom: {
      takeSnapshotFrom: 'onlyGuest',
      isManagedVm: true,
      backupTaskId: 'other_1',
      writeAcceleratedLuns: [3],
      canTakeCrashConsistentSnapshot: true,
      backupRetryCount: 2,
      isOnlyOsDiskBackupEnabled: true,
    },
    warnings: [],
  });
});

test('the sample of the public documentation gives five blobs without escapes', () => {
  const { blobs } = read({}, {}, { objectStr: encode(PRIVATE_OBJECT) });
  assert.equal(blobs.length, 5);
  assert.ok(
    blobs.every((uri) =>
      /^https:\/\/sopattna\d+\.blob\.core\.windows\.net\/[\w-]+\/[\w.-]+\?sv=2014-02-14&sr=b&sig=[^&]+&st=/.test(
        uri,
      ),
    ),
  );
});

test('the ticks of the public property table are refused, not guessed at', () => {
  refused(
    () => read(JSON.parse(PROPERTY_VALUES)),
    /^commandStartTimeUTCTicks .*scientific notation/,
  );
});

test('commands: snapshot anywhere in the text, or install alone, in any case', () => {
  for (const command of [
    'snapshot',
    'Snapshot',
    ' SNAPSHOT ',
    'takeSnapshotNow',
    'snapshot;install',
  ]) {
    assert.equal(read({ commandToExecute: command }).command, 'snapshot', command);
  }
  for (const command of ['install', 'Install', ' INSTALL\n']) {
    assert.equal(interpretSettings({ commandToExecute: command }, undefined).command, 'install');
  }
  for (const command of [
    undefined,
    null,
    '',
    ' ',
    'restore',
    'reinstall',
    'geheim',
    'snap shot',
    0,
  ]) {
    refused(
      () => read({ commandToExecute: command }),
      /^commandToExecute of the settings is (missing|unknown); expected snapshot or install/,
    );
  }
  for (const command of [{}, ['snapshot'], true]) {
    refused(
      () => read({ commandToExecute: command }),
      /^commandToExecute of the settings must be text/,
    );
  }
});

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

test('every snapshot method is known in any case, another is refused', () => {
  for (const method of SNAPSHOT_METHODS) {
    for (const spelling of [method, method.toUpperCase(), ` ${method} `]) {
      const customSettings = JSON.stringify({ takeSnapshotFrom: spelling });
      assert.equal(read({ customSettings }).custom.takeSnapshotFrom, method);
    }
  }
  refused(
    () => read({ customSettings: '{"takeSnapshotFrom": "geheim"}' }),
    /^takeSnapshotFrom of customSettings of the settings must be one of onlyGuest, firstGuestThenHost, firstHostThenGuest, onlyHost\.$/,
  );
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
  assert.deepEqual(others, ['logsBlobUri is not text and is passed over']);
});

test('65 blobs keep their order; blanks and unicode are percent-encoded, the query stays as signed', () => {
  const uris = Array.from(
    { length: 65 },
    (_, index) =>
      `https://a.blob.core.windows.net/vhds/my%20disk ${index} ü€😀.vhd?sv=1&sig=a%2Fb+c%3D${index}`,
  );
  const { blobs } = read({}, {}, { objectStr: encode({ blobSASUri: uris }) });
  assert.deepEqual(
    blobs,
    uris.map(
      (_, index) =>
        `https://a.blob.core.windows.net/vhds/my%20disk%20${index}%20%C3%BC%E2%82%AC%F0%9F%98%80.vhd?sv=1&sig=a%2Fb+c%3D${index}`,
    ),
  );
});

test('a blob that is no address of one is refused by its place, its text is not shown', () => {
  const good = 'https://a.blob.core.windows.net/c/b?sig=x';
  for (const bad of [
    'geheim',
    'ftp://a/c/geheim',
    'http://example.net/c/b?sig=geheim',
    'https://a.blob.core.windows.net/?sig=geheim',
    `${good}&sig=geheim&snapshot=geheim`,
    '//geheim',
    `${good}#geheim`,
  ]) {
    refused(
      () => read({}, {}, { objectStr: encode({ blobSASUri: [good, bad] }) }),
      /blobSASUri\[1\] of objectStr of protectedSettings/,
    );
  }
  for (const bad of [null, {}, ['geheim'], true]) {
    refused(
      () => read({}, {}, { objectStr: encode({ blobSASUri: [good, bad] }) }),
      /^blobSASUri\[1\] of objectStr of protectedSettings must be text/,
    );
  }
});

const WRONG: readonly [what: string, interpret: () => unknown, message: RegExp][] = [
  [
    'base64 (public)',
    () => read({ objectStr: 'geheim!' }),
    /^objectStr of the settings is not base64/,
  ],
  [
    'base64 (protected)',
    () => read({}, {}, { objectStr: 'geheim!' }),
    /^objectStr of protectedSettings is not base64/,
  ],
  [
    'JSON (public)',
    () => read({ objectStr: encode('geheim') }),
    /^objectStr of the settings.* is not valid JSON/,
  ],
  [
    'JSON (protected)',
    () => read({}, {}, { objectStr: encode('{"blobSASUri": ["geheim"') }),
    /^objectStr of protectedSettings.* is not valid JSON/,
  ],
  [
    'array for object',
    () => read({ objectStr: encode(['geheim']) }),
    /^objectStr of the settings must be an object/,
  ],
  [
    'object for text',
    () => read({ objectStr: { a: 'geheim' } }),
    /^objectStr of the settings must be text/,
  ],
  [
    'metadata object',
    () => read({}, { backupMetadata: { Key: 'geheim' } }),
    /^backupMetadata of objectStr of the settings must be an array of Key\/Value pairs/,
  ],
  [
    'metadata of text',
    () => read({}, { backupMetadata: ['geheim'] }),
    /^backupMetadata\[0\] of objectStr of the settings must be an object/,
  ],
  [
    'metadata without a key',
    () => read({}, { backupMetadata: [{ Value: 'geheim' }] }),
    /^backupMetadata\[0\]\.Key of objectStr of the settings must be text/,
  ],
  [
    'metadata with a blank key',
    () => read({}, { backupMetadata: [{ Key: ' ', Value: 'geheim' }] }),
    /^backupMetadata\[0\]\.Key of objectStr of the settings must be text that is not empty/,
  ],
  [
    'metadata of objects',
    () => read({}, { backupMetadata: [{ Key: 'a', Value: { b: 'geheim' } }] }),
    /^backupMetadata\[0\]\.Value of objectStr of the settings must be text/,
  ],
  [
    'blobs as text',
    () => read({}, {}, { objectStr: encode({ blobSASUri: 'geheim' }) }),
    /^blobSASUri of objectStr of protectedSettings must be an array of SAS URIs/,
  ],
  [
    'included disks',
    () => read({}, { includedDisks: ['geheim'] }),
    /^includedDisks of objectStr of the settings must be an object/,
  ],
  [
    'LUNs as text',
    () => read({}, { includedDisks: { dataDiskLunList: 'geheim' } }),
    /^includedDisks\.dataDiskLunList of objectStr of the settings must be an array of LUNs/,
  ],
  [
    'a LUN',
    () => read({}, { includedDisks: { dataDiskLunList: [0, 'geheim'] } }),
    /^includedDisks\.dataDiskLunList\[1\] of objectStr of the settings must be a whole number from -1/,
  ],
  [
    'a broken LUN',
    () => read({}, { includedDisks: { dataDiskLunList: [0.5] } }),
    /dataDiskLunList\[0\] .* must be a whole number/,
  ],
  [
    'a negative LUN',
    () => read({}, { includedDisks: { dataDiskLunList: [-2] } }),
    /dataDiskLunList\[0\] .* must be a whole number/,
  ],
  [
    'a flag',
    () => read({}, { includedDisks: { isOSDiskIncluded: 'geheim' } }),
    /^includedDisks\.isOSDiskIncluded of objectStr of the settings must be true or false/,
  ],
  [
    'dynamic configs',
    () => read({}, { dynamicConfigsFromCRP: 'geheim' }),
    /^dynamicConfigsFromCRP of objectStr of the settings must be an array/,
  ],
  [
    'custom settings (JSON)',
    () => read({ customSettings: 'geheim' }),
    /^customSettings of the settings is not valid JSON/,
  ],
  [
    'custom settings (array)',
    () => read({}, {}, { customSettings: '["geheim"]' }),
    /^customSettings of protectedSettings must be an object/,
  ],
  [
    'retries',
    () => read({ customSettings: '{"backupRetryCount": -1}' }),
    /^backupRetryCount of customSettings of the settings must be a whole number from 0/,
  ],
  [
    'ticks as text',
    () => read({ commandStartTimeUTCTicks: 'geheim' }),
    /^commandStartTimeUTCTicks of the settings must be \.NET ticks/,
  ],
  [
    'ticks that lost digits',
    () => read({ commandStartTimeUTCTicks: 6.36458e17 }),
    /^commandStartTimeUTCTicks of the settings must be/,
  ],
  [
    'ticks as a list',
    () => read({ commandStartTimeUTCTicks: ['geheim'] }),
    /^commandStartTimeUTCTicks of the settings must be text/,
  ],
  ['a task', () => read({ taskId: { a: 'geheim' } }), /^taskId of the settings must be text/],
  [
    'a token',
    () => read({}, {}, { snapshotTaskToken: { a: 'geheim' } }),
    /^snapshotTaskToken of protectedSettings must be text/,
  ],
];

for (const [what, interpret, message] of WRONG) {
  test(`wrong ${what}: refused with the field's name and without its value`, () => {
    refused(interpret, message);
  });
}

test('any settings are either understood or refused with the one code', () => {
  const anyPart = fc.oneof(
    fc.json().map((text): unknown => JSON.parse(text)),
    fc.anything(),
  );
  const members = (names: readonly string[]) =>
    fc.dictionary(fc.constantFrom(...names), anyPart, { maxKeys: 8 });
  const inner = members([
    'backupMetadata',
    'includedDisks',
    'dynamicConfigsFromCRP',
    'snapshotTaskToken',
    'blobSASUri',
    'takeSnapshotFrom',
    'waDiskLunList',
  ]);
  const encoded = inner.map((value) => {
    try {
      return encode(value);
    } catch {
      return value;
    }
  });
  const outer = fc
    .tuple(
      members([
        'taskId',
        'vmType',
        'commandStartTimeUTCTicks',
        'locale',
        'logsBlobUri',
        'statusBlobUri',
        'customSettings',
      ]),
      encoded,
    )
    .map(([settings, objectStr]) => ({ commandToExecute: 'snapshot', objectStr, ...settings }));
  fc.assert(
    fc.property(fc.oneof(outer, anyPart), fc.oneof(outer, anyPart), (inPublic, inProtected) => {
      try {
        interpretSettings(inPublic, inProtected);
      } catch (error) {
        assert.ok(
          error instanceof FlashfreezeError && error.code === 'FF_SETTINGS_INVALID',
          inspect(error),
        );
      }
    }),
    { numRuns: 1000 },
  );
});

test.run();
