import * as assert from 'uvu/assert';
import { judgeRates, type RatesLeft, ratesIn } from '../../../src/snapshot/managed/rate-limits.ts';
import { suite } from '../../suite.ts';

const test = suite('rate limits of the resource manager');
const S = 1_000_000_000n;
const BUCKET = 'x-ms-ratelimit-remaining-subscription';

function told(headers: Readonly<Record<string, string>>): RatesLeft {
  return ratesIn({ headers, receivedNs: 5n });
}

test('headers say what is left, the scarcer of identity and subscription', () => {
  const table: [headers: Record<string, string>, left: RatesLeft][] = [
    [{}, {}],
    [{ [`${BUCKET}-reads`]: '249' }, { reads: { count: 249, atNs: 5n } }],
    [
      { [`${BUCKET}-writes`]: '199', [`${BUCKET}-global-writes`]: '12' },
      { writes: { count: 12, atNs: 5n } },
    ],
    [{ [`${BUCKET}-reads`]: 'many' }, {}],
    [{ [`${BUCKET}-reads`]: '-1' }, {}],
    [{ 'x-ms-ratelimit-remaining-resource': 'Microsoft.Compute/LowCostGet3Min;4' }, {}],
    [{ 'x-ms-ratelimit-remaining-resource': ';;,Microsoft.Compute/SnapshotCreate3Min' }, {}],
    [
      {
        'x-ms-ratelimit-remaining-resource':
          'Microsoft.Compute/HighCostSnapshotCreateHydrate3Min;239, Microsoft.Compute/HighCostSnapshotCreateHydrate30Min;18',
      },
      { snapshots: { policy: 'HighCostSnapshotCreateHydrate30Min', count: 18, atNs: 5n } },
    ],
  ];
  for (const [headers, left] of table) {
    assert.equal(told(headers), left, JSON.stringify(headers));
  }
});

test('a run is refused only if too little is known to be left, with the time to try again', () => {
  const writes = (count: number, atNs = 0n): RatesLeft => ({ writes: { count, atNs } });
  const policy = (count: number, name: string): RatesLeft => ({
    snapshots: { policy: name, count, atNs: 0n },
  });
  const table: [told: RatesLeft[], disks: number, problem: RegExp | undefined][] = [
    [[], 64, undefined],
    [[writes(64)], 64, undefined],
    [[writes(63)], 64, /only 63 more writes now, but 64 snapshots need 64: try again in 1 s/],
    [[writes(200), writes(4)], 64, /only 4 more .* try again in 6 s/],
    [[policy(3, 'XSnapshotCreate30Min')], 4, /only 3 more snapshots now .* in 30 minutes/],
    [[policy(3, 'XSnapshotCreate')], 4, /try again later/],
    [[policy(4, 'XSnapshotCreate3Min')], 4, undefined],
  ];
  for (const [list, disks, problem] of table) {
    const found = judgeRates(list, disks, 0n).problem;
    assert.match(found ?? '', problem ?? /^$/);
  }
  // What has come back since then counts.
  assert.is(judgeRates([writes(4)], 64, 6n * S).problem, undefined);
});

test('few reads are only a warning', () => {
  const reads = (count: number): RatesLeft[] => [{ reads: { count, atNs: 0n } }];
  assert.equal(judgeRates(reads(192), 64, 0n), { problem: undefined, warning: undefined });
  const { problem, warning } = judgeRates(reads(191), 64, 0n);
  assert.is(problem, undefined);
  assert.match(warning ?? '', /only 191 more reads now, and 64 disks need about 192/);
});

test.run();
