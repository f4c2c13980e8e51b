import * as assert from 'uvu/assert';
import { describeMove, remedyForMove } from '../../src/filesystems/moving-data.ts';
import { readPlan } from '../../src/filesystems/read-plan.ts';
import { suite } from '../suite.ts';
import { Machine } from './machine.ts';

const test = suite('moving data');

/** Data disks sdc to sdf, of which sdc carries what is mounted. */
function machine(): Machine {
  return new Machine()
    .dataDisks('sdc', 'sdd', 'sde', 'sdf')
    .mounts('20 1 8:32 / /data rw - ext4 /dev/sdc rw');
}

async function movesOf(built: Machine): Promise<string[]> {
  const { moves = [], warnings } = await readPlan({ include: [], skip: [] }, built.build());
  assert.equal(
    moves.map(describeMove).filter((it) => warnings?.includes(it) !== true),
    [],
  );
  return moves.map(({ device, kind, disks }) => `${device} ${kind} ${disks.join(' ')}`);
}

for (const [action, found] of [
  ['idle', []],
  ['frozen', []],
  ['check', []],
  ['resync', ['md1 resync sdd sde']],
  ['recover', ['md1 recover sdd sde']],
  ['repair', ['md1 repair sdd sde']],
  ['reshape', ['md1 reshape sdd sde']],
] as const) {
  test(`an array whose sync_action is ${action}`, async () => {
    const array = { name: 'md1', number: '9:1', on: ['sdd', 'sde'], syncAction: action } as const;
    assert.equal(await movesOf(machine().stacked(array)), [...found]);
  });
}

test('pvmove writes to all disks that it moves data between', async () => {
  const built = machine()
    .stacked({ name: 'dm-1', number: '253:1', on: ['sdd', 'sde'], dmName: 'vg-pvmove0' })
    .stacked({ name: 'dm-0', number: '253:0', on: ['dm-1'], dmName: 'vg-lv', dmUuid: 'LVM-AB' });
  assert.equal(await movesOf(built), ['vg-pvmove0 pvmove sdd sde']);
});

/** As LVM stacks a volume and a snapshot of it. @param on what the volume lies on */
function withSnapshot(...on: string[]): Machine {
  return machine()
    .stacked({
      name: 'dm-2',
      number: '253:2',
      on: ['sdd'],
      dmName: 'v-o-real',
      dmUuid: 'LVM-AO-real',
    })
    .stacked({
      name: 'dm-3',
      number: '253:3',
      on: ['sde'],
      dmName: 'v-s-cow',
      dmUuid: 'LVM-AS-cow',
    })
    .stacked({ name: 'dm-0', number: '253:0', on, dmName: 'v-o', dmUuid: 'LVM-AO' })
    .stacked({
      ...{ name: 'dm-1', number: '253:1', on: ['dm-2', 'dm-3'], dmName: 'v-s', dmUuid: 'LVM-AS' },
    });
}

test('a snapshot is merged if its origin lies on its changes', async () => {
  assert.equal(await movesOf(withSnapshot('dm-2')), []);
  assert.equal(await movesOf(withSnapshot('dm-2', 'dm-3')), ['v-o merge sdd sde']);
});

test('tells what helps', () => {
  const at = { device: 'md1', disks: ['sdd', 'sde'] };
  assert.match(remedyForMove({ ...at, kind: 'reshape' }), '/sys/block/md1/md/sync_action');
  assert.match(remedyForMove({ ...at, kind: 'merge' }), 'lvs');
  assert.match(describeMove({ ...at, kind: 'pvmove' }), 'sdd, sde');
});

test.run();
