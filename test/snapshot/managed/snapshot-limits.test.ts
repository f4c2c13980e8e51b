import * as assert from 'uvu/assert';
import {
  brokenLimit,
  countSnapshots,
  describeCount,
  readSnapshotPage,
} from '../../../src/snapshot/managed/snapshot-limits.ts';
import { suite } from '../../suite.ts';

const test = suite('limits of snapshots of a disk');
const DISK = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/d';
const NOW = Date.parse('2026-11-29T08:00:00Z');

function page(value: readonly object[], nextLink?: string): Buffer[] {
  return [Buffer.from(JSON.stringify({ value, nextLink }))];
}

function snapshot(properties: object = {}): object {
  return {
    properties: {
      ...{ incremental: true, timeCreated: '2026-11-29T03:57:00.1234567-04:00' },
      creationData: { sourceResourceId: DISK.toUpperCase() },
      ...properties,
    },
  };
}

test('counts the incremental snapshots of the disk', () => {
  const read = readSnapshotPage(
    page(
      [
        snapshot(),
        snapshot({ completionPercent: 40, timeCreated: '2026-11-29T07:00:00Z' }),
        snapshot({ incremental: false }),
        snapshot({ creationData: { sourceResourceId: `${DISK}2` } }),
      ],
      'https://x/next',
    ),
  );
  assert.is(read?.nextLink, 'https://x/next');
  const count = countSnapshots(read?.snapshots ?? [], DISK, NOW);
  assert.equal(count, { alive: 2, recent: 1, copying: 1 });
  assert.is(
    describeCount(count),
    '2 of 500 incremental snapshots, 1 of 7 in the last five minutes',
  );
});

test('an answer of another form is no list', () => {
  for (const text of ['', '{}', '{"value":[{}]}', '[]']) {
    assert.is(readSnapshotPage([Buffer.from(text)]), undefined, text);
  }
});

test('names the limit that the next snapshot would break', () => {
  const none = { alive: 0, recent: 0, copying: 0 };
  const table: [count: Partial<typeof none>, sku: string, says: RegExp][] = [
    [{ alive: 499, recent: 6, copying: 3 }, 'Premium_LRS', /^$/],
    [{ alive: 500 }, 'Premium_LRS', /delete old ones/],
    [{ recent: 7 }, 'Premium_LRS', /within five minutes/],
    [{ copying: 2 }, 'UltraSSD_LRS', /^$/],
    [{ copying: 3 }, 'UltraSSD_LRS', /still copying the data of 3/],
    [{ copying: 3 }, 'PremiumV2_LRS', /permits 3 of this kind/],
  ];
  for (const [count, sku, says] of table) {
    assert.match(brokenLimit({ ...none, ...count }, { sku }) ?? '', says);
  }
});

test.run();
