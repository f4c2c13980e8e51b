import * as assert from 'uvu/assert';
import { parseSnapshotConf } from '../../src/config/snapshot-conf.ts';
import { FlashfreezeError } from '../../src/errors.ts';
import { suite } from '../suite.ts';

const test = suite('snapshot.conf');

function refusal(text: string): string {
  try {
    parseSnapshotConf(text, 'a.conf');
    return 'not refused';
  } catch (error) {
    assert.instance(error, FlashfreezeError, String(error));
    return `${(error as FlashfreezeError).message} (${(error as FlashfreezeError).code})`;
  }
}

test('the sections are read as vmbackup.conf is, and [Retention] may be missing', () => {
  const { snapshot, retention } = parseSnapshotConf(
    '# mine\n[Snapshot]\nBlobs-From: "/a b"  # the list\nskip = /a,\n  /b\n',
    'a.conf',
  );
  assert.equal(
    [...snapshot],
    [
      ['blobs-from', '/a b'],
      ['skip', '/a,,/b'],
    ],
  );
  assert.is(retention, undefined);
  assert.is(parseSnapshotConf('[Retention]\n', 'a.conf').retention?.size, 0);
  assert.is(parseSnapshotConf('', 'a.conf').snapshot.size, 0);
});

const REFUSED: readonly [text: string, expected: RegExp][] = [
  ['[Snapshots]\n', /no section \[Snapshots\]; did you mean \[Snapshot\]\?.*FF_CONFIG_INVALID/],
  ['[snapshot]\n', /no section \[snapshot\]; did you mean \[Snapshot\]\?/],
  ['timeout = 1\n', /line 1 comes before the first \[section\].*FF_CONFIG_INVALID/],
  ['[Snapshot]\nquiet\n', /line 2 is neither/],
  ['[Snapshot]\nskip = /a\n\nSkip = /b\n', /line 4 gives skip again; expected each key once/],
];

test('a part of a value that counts as a key is not repeated', () => {
  const line = 'notify /x hush1234 --to=me';
  const message = refusal(`[Snapshot]\n${line}\n${line}\n`);
  assert.match(message, 'line 3 gives notify again');
  assert.not.match(message, 'hush1234');
});

for (const [text, expected] of REFUSED) {
  test(`refused: ${JSON.stringify(text)}`, () => {
    assert.match(refusal(text), expected);
  });
}

test('a key may stand in both sections', () => {
  assert.is(refusal('[Snapshot]\ncontainer = a\n[Retention]\ncontainer = b\n'), 'not refused');
});

test.run();
