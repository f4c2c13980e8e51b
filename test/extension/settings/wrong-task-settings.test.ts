import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { FlashfreezeError } from '../../../src/errors.ts';
import { interpretSettings } from '../../../src/extension/settings/task-settings.ts';
import { suite } from '../../suite.ts';

import { encode, read, refused } from './read-settings.ts';

const test = suite('wrong settings of a task');

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
