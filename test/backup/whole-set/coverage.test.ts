import * as assert from 'uvu/assert';
import type { Behind } from '../../../src/backup/whole-set/behind.ts';
import { coveredBy } from '../../../src/backup/whole-set/coverage.ts';
import { suite } from '../../suite.ts';
import { planOf } from './plan-of.ts';

const test = suite('coverage of a file system');

const disk = (name: string): Behind => ({ kind: 'disk', disk: name });
const oneOf = (...disks: string[]): Behind => ({ kind: 'one-of', disks });
const allOf = (...disks: string[]): Behind => ({ kind: 'all-of', disks });
const FOREIGN: Behind = { kind: 'foreign' };

/** A machine with the OS on sda, and file systems on sdc (LUN 0), and on sdd and sde together (LUNs 1 and 2). */
const PLAN = planOf(['sda'], ['sdc'], ['sdd', 'sde']);

const cases: readonly [
  name: string,
  disks: readonly string[],
  behind: readonly Behind[],
  luns: readonly number[] | undefined,
  covered: boolean,
][] = [
  ['its disk has a blob', ['sdc'], [disk('sda'), disk('sdc')], undefined, true],
  ['its disk has none', ['sdc'], [disk('sda')], undefined, false],
  ['one of its two disks has a blob', ['sdd', 'sde'], [disk('sdd')], undefined, false],
  ['the host snapshots its disk with others', ['sdc'], [allOf('sda', 'sdc')], undefined, true],
  ['the host snapshots the OS disk only', ['sdc'], [allOf('sda')], [-1], false],
  ['the host decides which disks', ['sdc'], [allOf('sda', 'sdc', 'sdd', 'sde')], [], false],
  ['a blank disk has the other blob', ['sdc'], [disk('sda'), oneOf('sdf')], undefined, false],
  ['a foreign blob is in the set', ['sdc'], [disk('sda'), FOREIGN], undefined, false],
  [
    'two blobs that may not be read, for three disks',
    ...([['sdc'], [disk('sda'), oneOf('sdc', 'sdd', 'sde'), oneOf('sdc', 'sdd', 'sde')]] as const),
    ...([undefined, false] as const),
  ],
  [
    'three blobs that may not be read, for three disks',
    ['sdc'],
    [disk('sda'), ...[1, 2, 3].map(() => oneOf('sdc', 'sdd', 'sde'))],
    ...([undefined, true] as const),
  ],
  [
    'one blob that may not be read, for one disk that the task lists',
    ['sdc'],
    [disk('sda'), oneOf('sdc', 'sdd', 'sde')],
    ...([[-1, 0], true] as const),
  ],
  ['a command takes the snapshots', ['sdc'], [{ kind: 'command' }], undefined, true],
  ['an image on a disk of the set', ['loop0', 'sdc'], [disk('sdc')], undefined, true],
];

for (const [name, disks, behind, luns, covered] of cases) {
  test(`${name}: ${covered ? 'covered' : 'not covered'}`, () => {
    const targets = behind.map((it, index) => ({ name: `blob${index}`, behind: it }));
    assert.is(coveredBy(PLAN, targets, luns)(disks), covered);
  });
}

test.run();
