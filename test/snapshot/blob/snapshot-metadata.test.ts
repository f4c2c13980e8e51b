import * as assert from 'uvu/assert';
import type { MetadataPair } from '../../../src/snapshot/blob/metadata.ts';
import {
  completeMetadata,
  metadataHeaders,
  metadataIn,
  REQUEST_MARK,
} from '../../../src/snapshot/blob/snapshot-metadata.ts';
import { suite } from '../../suite.ts';

const test = suite('metadata of a snapshot request');

const OWN: MetadataPair[] = [
  ['Owner', 'db'],
  ['DiskEncryptionSettings', '{}'],
  [REQUEST_MARK, 'old'],
];
const KEYS: [string, MetadataPair[], MetadataPair[] | undefined, string | undefined, string[]][] = [
  ['nothing given, no mark: the blob’s own are inherited', [], OWN, undefined, []],
  ['own and mark', [], OWN, 'm', ['Owner', 'DiskEncryptionSettings', 'mark']],
  ['none of its own, and mark', [], [], 'm', ['mark']],
  ['own not known: inherited, without a mark', [], undefined, 'm', []],
  ['given', [['k', 'v']], [], undefined, ['k']],
  ['given, own not known', [['k', 'v']], undefined, 'm', ['k', 'mark']],
  ['given, encrypted', [['k', 'v']], OWN, undefined, ['k', 'DiskEncryptionSettings']],
  ['given, encrypted, mark', [['k', 'v']], OWN, 'm', ['k', 'DiskEncryptionSettings', 'mark']],
  ['settings given', [['diskencryptionsettings', 'v']], OWN, undefined, ['diskencryptionsettings']],
  ['a mark given', [['FlashFreeze_Request', 'v']], [], 'm', ['FlashFreeze_Request']],
  ['no room for the mark', [['k', 'x'.repeat(8_180)]], [], 'm', ['k']],
  ['no room beside its own', [], [['k', 'x'.repeat(8_180)]], 'm', []],
  ['its own cannot be sent', [], [['k', 'ä']], 'm', []],
];

for (const [name, given, own, mark, expected] of KEYS) {
  test(name, () => {
    const request = {
      method: 'PUT',
      path: '/',
      headers: ['a', 'b', ...metadataHeaders(given)],
    } as const;
    const completed = completeMetadata(request, own, mark);
    const { headers } = completed.request;
    const names = headers.filter((_, index) => index % 2 === 0 && index > 0);
    assert.equal(
      names
        .map((it) => it.slice('x-ms-meta-'.length))
        .map((it) => (it === REQUEST_MARK ? 'mark' : it)),
      expected,
    );
    assert.is(completed.mark, expected.includes('mark') ? mark : undefined);
    assert.is(headers.includes('old'), false);
  });
}

test('metadata of a blob are read from any answer, with the case of their names', () => {
  const rawHeaders = [
    'Date',
    'x-ms-meta-no',
    'X-MS-Meta-Owner',
    'db',
    Buffer.from('x-ms-meta-b'),
    Buffer.from(''),
  ];
  assert.equal(metadataIn({ rawHeaders }), [
    ['Owner', 'db'],
    ['b', ''],
  ]);
});

test.run();
