import * as assert from 'uvu/assert';
import {
  markRun,
  nameOfAttempt,
  prefixProblem,
  snapshotName,
  snapshotTags,
  tagsProblem,
} from '../../../src/snapshot/managed/snapshot-naming.ts';
import { suite } from '../../suite.ts';

const test = suite('names and tags of snapshots');
const MARK = { runId: 'run-1', time: new Date('2026-11-29T02:03:04.567Z'), shortId: '0a1b2c3d' };

test('a name has VM, disk, LUN, time and a short id, and at most 80 characters', () => {
  const long = 'x'.repeat(80);
  const table: [prefix: string | undefined, vm: string, disk: string, lun: number, name: string][] =
    [
      [undefined, 'vm1', 'data', 3, 'vm1-data-lun3-20261129T020304Z-0a1b2c3d'],
      ['nightly', 'vm1', 'os', -1, 'nightly-os-os-20261129T020304Z-0a1b2c3d'],
      [undefined, 'vm_ä b', 'd', 0, 'vm_--b-d-lun0-20261129T020304Z-0a1b2c3d'],
      [undefined, '-.', '-', 0, 'flashfreeze-lun0-20261129T020304Z-0a1b2c3d'],
      [undefined, long, long, 63, `${'x'.repeat(45)}-lun63-20261129T020304Z-0a1b2c3d`],
    ];
  for (const [prefix, vm, disk, lun, expected] of table) {
    const name = snapshotName(prefix, { name: vm }, { name: disk, lun }, MARK);
    assert.is(name, expected);
    assert.match(nameOfAttempt(name, 8), /^[A-Za-z0-9][\w.-]{0,78}\w$/);
  }
});

test('two runs of one second have different names, and so have two attempts of one run', () => {
  assert.is.not(markRun('a', MARK.time).shortId, markRun('a', MARK.time).shortId);
  assert.equal(
    [0, 1].map((attempt) => nameOfAttempt('n', attempt)),
    ['n', 'n-2'],
  );
});

test('prefixes are checked', () => {
  for (const good of ['a', 'nightly_1.x-', 'A'.repeat(40)]) {
    assert.is(prefixProblem(good), undefined, good);
  }
  for (const bad of ['', '-a', 'a b', 'a/b', 'ä', 'A'.repeat(41)]) {
    assert.type(prefixProblem(bad), 'string', bad);
  }
});

test('the tags tie the snapshots of a run together', () => {
  const vm = {
    ...{ name: 'vm1', vmId: 'id1', resourceId: undefined, subscription: '', group: '' },
    ...{ location: '', environment: '', size: '' },
  };
  const about = { vm, host: 'h'.repeat(300), version: '1.2.3' };
  const tags = snapshotTags(MARK, about, { lun: -1 }, { position: 2, count: 5 }, [['k', 'v']]);
  assert.equal(tags, {
    'flashfreeze-run': 'run-1',
    'flashfreeze-disk': '2 of 5',
    'flashfreeze-lun': 'os',
    'flashfreeze-host': 'h'.repeat(256),
    'flashfreeze-vm': 'id1',
    'flashfreeze-version': '1.2.3',
    k: 'v',
  });
});

test('tags that Azure would refuse are refused before', () => {
  const many = (count: number): [string, string][] =>
    Array.from({ length: count }, (_, index) => [`k${index}`, 'v']);
  assert.is(tagsProblem(many(39)), undefined);
  assert.is(tagsProblem([['policy', '']]), undefined);
  const bad: [string, string][][] = [
    many(40),
    [['a<b', 'v']],
    [['a?', 'v']],
    [['a/b', 'v']],
    [['', 'v']],
    [['k'.repeat(513), 'v']],
    [['k', 'v'.repeat(257)]],
    [['k', 'a\nb']],
    [['Microsoft.x', 'v']],
    [['azurething', 'v']],
    [['flashfreeze-run', 'mine']],
    [
      ['Key', '1'],
      ['kEY', '2'],
    ],
  ];
  for (const tags of bad) {
    assert.type(tagsProblem(tags), 'string', JSON.stringify(tags).slice(0, 80));
  }
});

test.run();
