import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { METADATA_PREFIX, membershipValues } from '../../../src/restore-points/membership.ts';
import {
  isReserved,
  type MetadataPair,
  metadataProblem,
} from '../../../src/snapshot/blob/metadata.ts';
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
  ['Flashfreeze_Run', 'old'],
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
    const completed = completeMetadata(request, own, [], mark);
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

const MEMBERSHIP = membershipValues(
  {
    ...{ restorePoint: 'r1', position: 1, count: 2, host: 'db1', version: '0.1.0' },
    ...{ vm: undefined, device: '/dev/sdc', lun: 3 },
  },
  METADATA_PREFIX,
);

function completed(
  given: readonly MetadataPair[],
  own: readonly MetadataPair[] | undefined,
  membership: readonly MetadataPair[],
  mark: string | undefined,
): { readonly sent: MetadataPair[]; readonly mark: string | undefined } {
  const request = {
    method: 'PUT',
    path: '/',
    headers: ['a', 'b', ...metadataHeaders(given)],
  } as const;
  const done = completeMetadata(request, own, membership, mark);
  return { sent: metadataIn({ rawHeaders: [...done.request.headers] }), mark: done.mark };
}

test('the membership is sent beside the blob’s own metadata, and old marks are not copied', () => {
  const { sent } = completed([], OWN, MEMBERSHIP, undefined);
  assert.equal(sent, [['Owner', 'db'], ['DiskEncryptionSettings', '{}'], ...MEMBERSHIP]);
});

test('a membership without room is left out as a whole, and the mark stays', () => {
  const given: MetadataPair[] = [['k', 'x'.repeat(8_150)]];
  assert.equal(completed(given, [], MEMBERSHIP, 'm'), {
    sent: [...given, [REQUEST_MARK, 'm']],
    mark: 'm',
  });
});

test('whatever a blob carries, the service takes the request, and nothing of the blob or the user is lost', () => {
  const pair = fc.tuple(
    fc.constantFrom('a', 'B', 'c', 'DiskEncryptionSettings', 'flashfreeze_run', 'FLASHFREEZE_disk'),
    fc.oneof(
      fc.string({ maxLength: 20 }),
      fc.nat(8_300).map((length) => 'x'.repeat(length)),
    ),
  );
  const pairs = fc.uniqueArray(pair, { selector: ([name]) => name.toLowerCase(), maxLength: 4 });
  const sendable = pairs.filter(
    (it) => metadataProblem(it) === undefined && !it.some(([name]) => isReserved(name)),
  );
  const property = fc.property(
    sendable,
    fc.option(pairs, { nil: undefined }),
    fc.constantFrom([], MEMBERSHIP),
    fc.constantFrom(undefined, 'm'),
    (given, own, membership, mark) => {
      const { sent, mark: sentMark } = completed(given, own, membership, mark);
      const names = sent.map(([name]) => name.toLowerCase());
      for (const it of given) {
        assert.ok(sent.some((one) => one[0] === it[0] && one[1] === it[1]));
      }
      const members = names.filter((it) => membership.some(([name]) => name === it)).length;
      assert.ok(members === 0 || members === MEMBERSHIP.length);
      assert.is(names.includes(REQUEST_MARK), sentMark !== undefined);
      if (sent.length === 0) {
        // The service copies the blob's own metadata.
        return;
      }
      const added = sent.filter(([name]) => isReserved(name));
      if (given.length === 0) {
        const kept = (own ?? []).filter(([name]) => !isReserved(name));
        assert.equal(sent, [...kept, ...added]);
      }
      if (added.length > 0) {
        assert.is(metadataProblem(sent), undefined);
        assert.ok(own !== undefined || given.length > 0);
      }
    },
  );
  fc.assert(property, { numRuns: 500 });
});

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
