import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { FlashfreezeError } from '../../../src/errors.ts';
import { interpretSettings } from '../../../src/extension/settings/task-settings.ts';
import type { TaskSettings } from '../../../src/extension/task-types.ts';
import { suite } from '../../suite.ts';

import { encode, read, refused } from './read-settings.ts';

const test = suite('wrong settings of a task');

const WRONG: readonly [what: string, interpret: () => TaskSettings, message: RegExp][] = [
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
    'missing metadata',
    () => read({}, { backupMetadata: null }),
    /^backupMetadata is missing from objectStr of the settings/,
  ],
];

/** What one field has wrong costs that field. */
const TOLERATED: readonly [what: string, interpret: () => TaskSettings, warning: RegExp][] = [
  [
    'metadata as text',
    () => read({}, { backupMetadata: 'geheim' }),
    /^backupMetadata of objectStr of the settings must be an array of Key\/Value pairs; it is ignored/,
  ],
  [
    'blobs as a number',
    () => read({}, {}, { objectStr: encode({ blobSASUri: 7 }) }),
    /^the guest cannot take the snapshots: blobSASUri of objectStr of protectedSettings must be an array of SAS URIs/,
  ],
  [
    'blobs as text that is no URL',
    () => read({}, {}, { objectStr: encode({ blobSASUri: 'geheim' }) }),
    /^the guest cannot take the snapshots: blobSASUri\[0\] of objectStr of protectedSettings is not an https URL/,
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
    'a flag',
    () => read({}, { includedDisks: { isOSDiskIncluded: 'geheim' } }),
    /^isOSDiskIncluded of includedDisks of objectStr of the settings must be true or false; it is ignored/,
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
  [
    'a method',
    () => read({ customSettings: '{"takeSnapshotFrom": "geheim"}' }),
    /^takeSnapshotFrom of customSettings of the settings must be one of onlyGuest, firstGuestThenHost, firstHostThenGuest, onlyHost, managedIdentity; it is ignored$/,
  ],
  [
    'a write-accelerated LUN',
    () => read({ customSettings: { waDiskLunList: [1, 'geheim'] } }),
    /^waDiskLunList\[1\] of customSettings of the settings must be a whole number/,
  ],
  [
    'minutes of instant access',
    () => read({}, { includedDisks: { instantAccessDurationMinutes: -1 } }),
    /^instantAccessDurationMinutes of includedDisks of .* must be a whole number from 0; it is ignored/,
  ],
  [
    'a dynamic config without a key',
    () => read({}, { dynamicConfigsFromCRP: [{ Value: 'geheim' }] }),
    /^dynamicConfigsFromCRP\[0\]\.Key of .* it is ignored/,
  ],
  [
    'an unknown dynamic config with an object',
    () => read({}, { dynamicConfigsFromCRP: [{ Key: 'new', Value: { a: 'geheim' } }] }),
    /^dynamicConfigsFromCRP\[0\]\.Value of .* it is ignored/,
  ],
  [
    'an empty LUN',
    () => read({}, { includedDisks: { dataDiskLunList: [0, null] } }),
    /^dataDiskLunList of includedDisks has empty items/,
  ],
  [
    'an empty blob',
    () => read({}, {}, { objectStr: encode({ blobSASUri: [null] }) }),
    /^the guest cannot take the snapshots: blobSASUri\[0\] of .* is empty/,
  ],
  [
    'included disks',
    () => read({}, { includedDisks: ['geheim'] }),
    /^the host cannot take the snapshots: includedDisks of objectStr of the settings must be an object/,
  ],
  [
    'LUNs as text',
    () => read({}, { includedDisks: { dataDiskLunList: 'geheim' } }),
    /^the host cannot take the snapshots: dataDiskLunList of includedDisks of objectStr of the settings must be an array of LUNs/,
  ],
  [
    'a LUN',
    () => read({}, { includedDisks: { dataDiskLunList: [0, 'geheim'] } }),
    /^the host cannot take the snapshots: dataDiskLunList\[1\] of includedDisks of objectStr of the settings must be a whole number from -1/,
  ],
  [
    'a broken LUN',
    () => read({}, { includedDisks: { dataDiskLunList: [0.5] } }),
    /^the host cannot take the snapshots: dataDiskLunList\[0\] .* must be a whole number/,
  ],
  [
    'a negative LUN',
    () => read({}, { includedDisks: { dataDiskLunList: [-2] } }),
    /^the host cannot take the snapshots: dataDiskLunList\[0\] .* must be a whole number/,
  ],
  [
    'LUNs as an object',
    () => read({}, { includedDisks: { dataDiskLunList: { lun: 'geheim' } } }),
    /^the host cannot take the snapshots: dataDiskLunList of .* must be an array of LUNs/,
  ],
  [
    'a LUN of many digits',
    () => read({}, { includedDisks: { dataDiskLunList: [2n ** 70n].map(String) } }),
    /^the host cannot take the snapshots: dataDiskLunList\[0\] of /,
  ],
  [
    'base64 with other characters (public)',
    () => read({ objectStr: `${encode({ backupMetadata: [] })}=!geheim` }),
    /^objectStr of the settings has characters that are not base64; they are ignored$/,
  ],
  [
    'base64 with other characters (protected)',
    () => read({}, {}, { objectStr: `!${encode({ blobSASUri: [] })}` }),
    /^objectStr of protectedSettings has characters that are not base64; they are ignored$/,
  ],
];

for (const [what, interpret, message] of WRONG) {
  test(`wrong ${what}: refused with the field's name and without its value`, () => {
    refused(interpret, message);
  });
}

for (const [what, interpret, warning] of TOLERATED) {
  test(`wrong ${what}: passed over with a warning that does not have the value`, () => {
    const { warnings } = interpret();
    assert.equal(warnings.length, 1, warnings.join());
    assert.match(warnings[0] ?? '', warning);
    assert.doesNotMatch(warnings.join(), /geheim/);
  });
}

test('what was passed over counts as not given, and everything beside it holds', () => {
  const { custom, includedDisks, metadata, start, blobs } = read(
    {
      commandStartTimeUTCTicks: 'null',
      customSettings: { takeSnapshotFrom: 'byDrone', isManagedVm: true, backupRetryCount: 'x' },
    },
    {
      backupMetadata: [null, { Key: 'a', Value: {} }, { Key: 'b', Value: '1' }],
      includedDisks: { isOSDiskIncluded: true, instantAccessDurationMinutes: -1 },
    },
    { objectStr: encode({ blobSASUri: ['', 'https://a.blob.core.windows.net/c/b?sig=x'] }) },
  );
  assert.equal(custom.takeSnapshotFrom, undefined);
  assert.equal(custom.isManagedVm, true);
  assert.equal(custom.backupRetryCount, 0);
  assert.deepEqual(metadata, [['b', '1']]);
  assert.deepEqual(includedDisks.luns, [-1]);
  assert.equal(includedDisks.instantAccessDurationMinutes, undefined);
  assert.equal(start, undefined);
  assert.equal(blobs.length, 1);
});

const UNREADABLE_LUNS: readonly unknown[] = [
  ['x', 0],
  [true],
  [[0]],
  [{ lun: 0 }],
  [-2],
  [3.5],
  ['3.0'],
  'geheim',
  '0,1',
  { lun: 3 },
  true,
];

test('LUNs that cannot be read leave the snapshots to the guest, and are not guessed', () => {
  for (const dataDiskLunList of UNREADABLE_LUNS) {
    const { includedDisks } = read(
      {},
      { includedDisks: { dataDiskLunList, isOSDiskIncluded: true } },
    );
    assert.equal(includedDisks.luns, undefined);
    assert.equal(includedDisks.isOsDiskIncluded, true);
    assert.equal(includedDisks.lunProblem?.code, 'FF_SETTINGS_INVALID');
  }
  for (const includedDisks of [['geheim'], 'geheim', 7, true]) {
    assert.ok(read({}, { includedDisks }).includedDisks.lunProblem, String(includedDisks));
  }
});

const READABLE_LUNS: readonly [unknown, readonly number[] | undefined][] = [
  [['3'], [3]],
  [[' 3 '], [3]],
  [[3.0], [3]],
  [[null, 3, ''], [3]],
  [3, [3]],
  ['3', [3]],
  [null, undefined],
  ['', undefined],
];

test('LUNs as text, and a lone one, are understood', () => {
  for (const [dataDiskLunList, luns] of READABLE_LUNS) {
    const { includedDisks } = read({}, { includedDisks: { dataDiskLunList } });
    assert.deepEqual([includedDisks.luns, includedDisks.lunProblem], [luns, undefined]);
  }
  assert.deepEqual(read({}, { includedDisks: [] }), read());
});

test('metadata of the wrong type count as none, a lone pair as a list of one', () => {
  for (const backupMetadata of ['', 0, false, {}]) {
    assert.deepEqual(read({}, { backupMetadata }).metadata, [], String(backupMetadata));
  }
  const lone = read({}, { backupMetadata: { Key: 'a', Value: 1 } });
  assert.deepEqual(lone.metadata, [['a', '1']]);
  assert.deepEqual(lone.warnings, []);
});

test('blobs of the wrong type leave the snapshots to the host', () => {
  for (const blobSASUri of [7, true, {}]) {
    const { blobs, blobProblem } = read({}, {}, { objectStr: encode({ blobSASUri }) });
    assert.deepEqual(blobs, []);
    assert.equal(blobProblem?.code, 'FF_SETTINGS_INVALID');
  }
  const lone = 'https://a.blob.core.windows.net/c/b?sig=x';
  const { blobs, warnings } = read({}, {}, { objectStr: encode({ blobSASUri: lone }) });
  assert.deepEqual([blobs.map(({ url }) => url), warnings], [[lone], []]);
});

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
