import * as assert from 'uvu/assert';
import { startTimeOf, timeoutMsOf } from '../../src/commands/run-options.ts';
import {
  laneCountOf,
  metadataOf,
  type RawSnapshotOptions,
  requestedBlobs,
} from '../../src/commands/snapshot-options.ts';
import { FlashfreezeError } from '../../src/errors.ts';
import { suite } from '../suite.ts';

const test = suite('snapshot options');
const SECRET = 'sv=2024-01-01&sig=verysecret%3D';

function options(changes: Partial<RawSnapshotOptions>): RawSnapshotOptions {
  return { settle: true, freeze: true, ...changes };
}

function refusal(act: () => unknown): FlashfreezeError {
  try {
    act();
  } catch (error) {
    if (error instanceof FlashfreezeError) {
      return error;
    }
    throw error;
  }
  throw new Error('was not refused');
}

test('takes blobs and disks in the order given', () => {
  const url = `https://a.example/c/b?${SECRET}`;
  assert.equal(requestedBlobs(options({ blob: [url], disk: [`/dev/sdc=${url}`] })), [
    { url, device: undefined },
    { url, device: '/dev/sdc' },
  ]);
});

const refused: readonly [string, () => unknown][] = [
  ['no blob at all', () => requestedBlobs(options({}))],
  ['a disk without URL', () => requestedBlobs(options({ disk: ['/dev/sdc'] }))],
  ['a disk outside /dev', () => requestedBlobs(options({ disk: [`sdc=https://x/?${SECRET}`] }))],
  ['a blob list that cannot be read', () => requestedBlobs(options({ blobsFrom: '/nowhere' }))],
  ['a time-out of words', () => timeoutMsOf('soon')],
  ['a time-out of zero', () => timeoutMsOf('0')],
  ['a time-out of a day', () => timeoutMsOf('86400')],
  ['a start time without offset', () => startTimeOf('2026-11-22T02:00:00')],
  ['a start time on no calendar', () => startTimeOf('2026-13-45T02:00:00Z')],
  ['half a lane', () => laneCountOf('0.5')],
  ['metadata without value', () => metadataOf(['Key'])],
];

for (const [name, act] of refused) {
  test(`refuses ${name} with exit code 2 and no secret`, () => {
    const error = refusal(act);
    assert.is(error.code, 'FF_USAGE');
    assert.is(error.exitCode, 2);
    assert.not.match(error.message, 'verysecret');
  });
}

test('reads seconds as milliseconds, times with any offset, and metadata with = in it', () => {
  assert.is(timeoutMsOf('1.5'), 1_500);
  assert.is(startTimeOf('2026-11-22T03:00:00+01:00')?.toISOString(), '2026-11-22T02:00:00.000Z');
  assert.equal(metadataOf(['a=b=c']), [['a', 'b=c']]);
});

test.run();
