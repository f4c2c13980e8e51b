import * as assert from 'uvu/assert';
import {
  DEFAULT_SCENARIO,
  diskSpecs,
  makeChains,
  parseScenario,
} from '../../bench/proof/scenario.ts';
import { suite } from '../suite.ts';

const test = suite('the scenario of a proof');

test('options are read, the rest is the default', () => {
  assert.equal(parseScenario([]), DEFAULT_SCENARIO);
  const given = [
    '--snapshots',
    '100',
    '--disks',
    '12',
    '--raw',
    '2',
    '--latency',
    '7-9',
    '--fire',
    'barrier',
    '--lanes',
    '4',
  ];
  assert.equal(parseScenario([...given, '--no-freeze', '--seed', '5', '--chains', '2']), {
    snapshots: 100,
    disks: 12,
    raw: 2,
    chains: 2,
    latencyMs: { from: 7, to: 9 },
    seed: 5,
    freeze: false,
    fire: 'barrier',
    lanes: 4,
    managed: false,
    thawAt202: false,
  });
  assert.equal(parseScenario(['--managed', '--thaw-at-202']), {
    ...DEFAULT_SCENARIO,
    managed: true,
    thawAt202: true,
  });
  assert.equal(parseScenario(['--latency', '20']).latencyMs, { from: 20, to: 20 });
});

test('what cannot be meant is refused with the option named', () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['--snapshot', '3'], /--snapshot/],
    [['--snapshots', '0'], /--snapshots must be/],
    [['--disks', '1'], /--disks must be/],
    [['--disks', '65'], /--disks must be/],
    [['--raw', '17'], /--raw must be/],
    [['--latency', '300-5'], /--latency must be/],
    [['--seed', 'x'], /--seed must be/],
    [['--lanes', '17'], /--lanes must be/],
    [['--fire', 'late'], /--fire must be/],
    [['--thaw-at-202'], /--thaw-at-202 needs --managed/],
    [
      ['--managed', '--thaw-at-202', '--no-freeze'],
      /--thaw-at-202 .* without --raw and --no-freeze/,
    ],
    [
      ['--managed', '--thaw-at-202', '--raw', '1'],
      /--thaw-at-202 .* without --raw and --no-freeze/,
    ],
    [['--managed', '--disks', '64', '--raw', '2'], /at most 65 disks, not 66/],
    [['12'], /positional/],
  ];
  for (const [argv, expected] of cases) {
    assert.throws(() => parseScenario(argv), expected);
  }
});

test('there are as many disks as asked for, of every type, with a RAID from four on', () => {
  for (const disks of [2, 3, 4, 6, 12, 64]) {
    const specs = diskSpecs(disks);
    const total = specs.reduce((sum, { devices = 1 }) => sum + devices, 0);
    assert.is(total, disks);
    assert.is(specs.filter(({ devices }) => devices === 2).length, disks < 4 ? 0 : 1);
  }
  assert.equal(new Set(diskSpecs(6).map(({ type }) => type)), new Set(['ext4', 'xfs', 'btrfs']));
});

test('every chain goes round all places, the first in order', () => {
  const chains = makeChains(4, 7, 1);
  assert.equal(chains[0]?.places, [0, 1, 2, 3, 4, 5, 6]);
  for (const { places } of chains) {
    assert.equal([...places].sort(), [0, 1, 2, 3, 4, 5, 6]);
  }
  assert.equal(makeChains(4, 7, 1), chains);
});

test.run();
