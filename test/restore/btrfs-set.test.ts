import * as assert from 'uvu/assert';
import { btrfsDevices, judgeBtrfsSets } from '../../src/restore/btrfs-set.ts';
import type { BtrfsDevice, Head } from '../../src/restore/head-types.ts';
import { suite } from '../suite.ts';

const test = suite('devices of a btrfs in a restore point');

interface Device extends Partial<BtrfsDevice> {
  readonly state?: Head['state'];
}

function headOf({ state = 'clean', ...device }: Device): Head {
  const btrfs = { fsid: 'F', deviceId: 1n, deviceCount: 1, generation: 7n, isSeed: false };
  return {
    ...{ where: 'whole disk', offset: 0, sizeBytes: 1024, kind: 'btrfs', uuid: 'F' },
    ...{ state, detail: 'it has no log tree', btrfs: { ...btrfs, ...device } },
  };
}

const FIRST: Device = { deviceId: 1n, deviceCount: 2 };
const SECOND: Device = { deviceId: 2n, deviceCount: 2 };
const SEED: Device = { fsid: 'S', isSeed: true, generation: 3n };

const cases: readonly [
  name: string,
  disks: readonly (readonly Device[])[],
  mayHide: boolean,
  problems: readonly (readonly [disks: readonly number[], text: string])[],
  unproved: number,
][] = [
  ['one device', [[{}]], false, [], 0],
  ['both devices of one transaction', [[FIRST], [SECOND]], false, [], 0],
  ['both devices on one disk', [[FIRST, SECOND]], false, [], 0],
  [
    'two file systems of different generations',
    [[{}], [{ fsid: 'G', generation: 9n }]],
    false,
    [],
    0,
  ],
  [
    'a device of an earlier transaction',
    [[{ ...FIRST, generation: 7n }], [{ ...SECOND, generation: 12n }]],
    false,
    [[[1], 'device 1 of the btrfs F with generation 7, device 2 on disk 2 has 12']],
    0,
  ],
  [
    'different generations where something is hidden',
    [[{ ...FIRST, generation: 12n }], [{ ...SECOND, generation: 7n }]],
    true,
    [[[2], 'device 2 of the btrfs F with generation 7, device 1 on disk 1 has 12']],
    0,
  ],
  [
    'one device of three',
    [[], [{ ...FIRST, deviceCount: 3 }]],
    false,
    [[[2], 'btrfs F: 2 of its 3 devices on no disk that was read']],
    0,
  ],
  ['one device of two, the other may be hidden', [[FIRST]], true, [], 1],
  ['one device twice, as on two mirrors', [[FIRST], [FIRST]], false, [[[1, 2], '1 of its 2']], 0],
  ['a seed is a device of what grew out of it', [[SEED], [SECOND]], false, [], 0],
  [
    'a seed does not stand for its own other devices',
    [[{ ...SEED, deviceCount: 2 }]],
    false,
    [[[1], 'btrfs S: 1 of its 2']],
    0,
  ],
  [
    'what a damaged superblock says is not compared',
    [[FIRST], [{ ...SECOND, state: 'damaged', generation: 99n, deviceCount: 50 }]],
    false,
    [],
    0,
  ],
];

for (const [name, disks, mayHide, problems, unproved] of cases) {
  test(name, () => {
    const found = btrfsDevices(
      disks.map((devices, index) => ({ position: index + 1, heads: devices.map(headOf) })),
    );
    const judged = judgeBtrfsSets(found, mayHide);
    assert.equal(
      judged.problems.map((it) => it.disks),
      problems.map(([on]) => on),
    );
    for (const [index, [, text]] of problems.entries()) {
      assert.match(judged.problems[index]?.text ?? '', text);
    }
    assert.is(judged.unproved.size, unproved);
  });
}

test.run();
