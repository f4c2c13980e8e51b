import * as assert from 'uvu/assert';
import { FlashfreezeError } from '../../src/errors.ts';
import { azLines, uuidWarnings } from '../../src/restore/az-lines.ts';
import { planRestore, type RestoreWishes } from '../../src/restore/restore-plan.ts';
import type { Membership } from '../../src/restore-points/membership.ts';
import type { RestorePoint, Worth } from '../../src/restore-points/restore-point.ts';
import { manifestOf, member } from '../restore-points/fixtures/members.ts';
import { suite } from '../suite.ts';

const test = suite('plan of a restore');

type Disk = readonly [position: number, lun: Membership['lun'], device: string | undefined];

function pointOf(disks: readonly Disk[], parts: Partial<RestorePoint> = {}): RestorePoint {
  const kind = parts.vm === 'managed' ? 'managed' : 'blob';
  const members = disks.map(([position, lun, device]) => {
    const plain = member({ position, count: 3, kind });
    return { ...plain, membership: { ...plain.membership, lun, device } };
  });
  return {
    ...{ id: 'run-1', host: 'db1', vm: undefined, at: new Date('2026-11-29T02:03:04.5Z') },
    ...{ worth: 'complete', count: 3, members, surplus: [], manifest: undefined },
    doubt: undefined,
    ...parts,
  };
}

const NOTHING: RestoreWishes = { prefix: undefined, accept: undefined };
const STAMP = 'db1-20261129T020304Z-';

const NAMES: readonly (readonly [
  title: string,
  disks: readonly Disk[],
  wishes: Partial<RestoreWishes>,
  names: readonly string[],
])[] = [
  [
    'the OS disk comes first, then the LUNs by number, then what has none',
    [
      [1, 10, '/dev/sdd'],
      [2, undefined, '/dev/sde'],
      [3, 2, '/dev/sdc'],
      [4, 'os', '/dev/sda'],
    ],
    {},
    [
      ...[`${STAMP}os-sda.vhd`, `${STAMP}lun2-sdc.vhd`],
      ...[`${STAMP}lun10-sdd.vhd`, `${STAMP}sde.vhd`],
    ],
  ],
  [
    'a disk of which nothing is known has its position',
    [[2, undefined, undefined]],
    { prefix: 'drill/' },
    ['drill/disk2.vhd'],
  ],
  [
    'a device whose name holds other characters',
    [[1, 0, '/dev/disk/by id:1']],
    { prefix: '' },
    ['lun0-by-id-1.vhd'],
  ],
  [
    'two of one LUN and device',
    [
      [1, 0, '/dev/sda'],
      [2, 0, '/dev/sda'],
    ],
    { prefix: 'x-' },
    ['x-lun0-sda.vhd', 'x-lun0-sda-disk2.vhd'],
  ],
];

for (const [title, disks, wishes, names] of NAMES) {
  test(`names: ${title}`, () => {
    const plan = planRestore(pointOf(disks), { ...NOTHING, ...wishes });
    assert.equal(
      plan.disks.map(({ name }) => name),
      names,
    );
  });
}

test('is refused unless the restore point is complete or the word is accepted', () => {
  const disks: readonly Disk[] = [[1, 0, '/dev/sda']];
  for (const worth of ['incomplete', 'inconsistent', 'notRecorded'] as const) {
    const point = pointOf(disks, { worth });
    for (const accept of [undefined, 'incomplete', 'inconsistent', 'notRecorded'] as const) {
      const plan = (): unknown => planRestore(point, { ...NOTHING, accept });
      if (accept === worth) {
        plan();
      } else {
        assertRefused(plan, 'FF_RESTORE_POINT_UNUSABLE', `--accept ${worth}`);
      }
    }
  }
  assert.equal(
    planRestore(pointOf([[2, 0, undefined]], { worth: 'incomplete' }), {
      ...NOTHING,
      accept: 'incomplete',
    }).missing,
    [1, 3],
  );
  for (const worth of ['complete', 'incomplete'] satisfies Worth[]) {
    assertRefused(
      () => planRestore(pointOf([], { worth }), { ...NOTHING, accept: 'incomplete' }),
      'FF_RESTORE_POINT_UNUSABLE',
      'no snapshot',
    );
  }
});

test('a prefix that makes a wrong name is refused', () => {
  const disks: readonly Disk[] = [[1, 0, '/dev/sda']];
  for (const prefix of ['a b', '/a', 'a//b', '?sig=x', 'ä']) {
    assertRefused(
      () => planRestore(pointOf(disks), { ...NOTHING, prefix }),
      'FF_USAGE',
      '--prefix',
    );
  }
  const managed = pointOf(disks, { vm: 'managed' });
  for (const prefix of ['drill/', 'x'.repeat(80), '-']) {
    assertRefused(() => planRestore(managed, { ...NOTHING, prefix }), 'FF_USAGE', '--prefix');
  }
});

test('the az lines name every disk and keep its LUN', () => {
  const disks: readonly Disk[] = [
    [1, 'os', '/dev/sda'],
    [2, 3, '/dev/sdc'],
    [3, undefined, '/dev/sdd'],
  ];
  const plan = planRestore(pointOf(disks), { ...NOTHING, prefix: 'new/' });
  const lines = azLines(plan, {
    blobUrl: (name) => `https://acct.blob.core.windows.net/vhds/${name}`,
    group: undefined,
  });
  const show = (name: string): string =>
    `"$(az disk show --resource-group <group> --name ${name} --query id --output tsv)"`;
  assert.equal(lines, [
    'az disk create --resource-group <group> --name os-sda --source https://acct.blob.core.windows.net/vhds/new/os-sda.vhd --os-type Linux --hyper-v-generation <V1 or V2> --sku <sku> --zone <zone>',
    `az vm update --resource-group <vm-group> --name <vm> --os-disk ${show('os-sda')}`,
    'az disk create --resource-group <group> --name lun3-sdc --source https://acct.blob.core.windows.net/vhds/new/lun3-sdc.vhd --sku <sku> --zone <zone>',
    `az vm disk attach --resource-group <vm-group> --vm-name <vm> --name ${show('lun3-sdc')} --lun 3`,
    'az disk create --resource-group <group> --name sdd --source https://acct.blob.core.windows.net/vhds/new/sdd.vhd --sku <sku> --zone <zone>',
    `az vm disk attach --resource-group <vm-group> --vm-name <vm> --name ${show('sdd')} --lun 0`,
  ]);
});

test('the warnings are those of what the manifest names, and all without one', () => {
  const manifest = manifestOf([member()], {
    fileSystems: [
      {
        ...{ mountPoints: ['/data'], type: 'xfs', uuid: null, label: null, source: '/dev/sdc' },
        ...{ disks: [1], wasFrozen: true },
      },
    ],
  });
  const some = uuidWarnings({ manifest }).join('\n');
  assert.match(some, 'nouuid');
  assert.not.match(some, /btrfs|tune2fs|vgimportclone|mdadm/);
  const all = uuidWarnings({ manifest: undefined }).join('\n');
  for (const word of ['nouuid', 'btrfstune', 'tune2fs -U', 'vgimportclone', 'mdadm']) {
    assert.match(all, word);
  }
});

function assertRefused(work: () => unknown, code: string, words: string): void {
  try {
    work();
  } catch (error) {
    assert.instance(error, FlashfreezeError);
    if (error instanceof FlashfreezeError) {
      assert.is(error.code, code);
      assert.match(error.message, words);
    }
    return;
  }
  assert.unreachable(`expected ${code}`);
}

test.run();
