import * as assert from 'uvu/assert';
import type { Plan } from '../../src/filesystems/plan-types.ts';
import { readPlan } from '../../src/filesystems/read-plan.ts';
import type { SystemView } from '../../src/filesystems/system-view.ts';
import { suite } from '../suite.ts';
import { Machine, OS_CONTROLLER } from './machine.ts';
import { RecordedProcesses } from './relations/recorded-processes.ts';

const test = suite('superblocks without a mount');

const ROOT = '22 1 8:1 / / rw - ext4 /dev/sda1 rw';
const FIRST = 'pid:[4026531836]';

/** An Azure VM with an OS disk sda and data disks sdc and sdd. */
function machine(): Machine {
  const os = {
    controller: OS_CONTROLLER,
    address: '0:0:0:0',
    partitions: { sda1: '8:1' },
  } as const;
  return new Machine()
    .scsi({ name: 'sda', number: '8:0', gib: 30, ...os })
    .dataDisks('sdc', 'sdd')
    .superblocks('ext4', 'features', 'sda1')
    .mounts(ROOT);
}

/** @param elsewhere what a process in another mount namespace sees besides */
function processes(elsewhere: readonly string[] = [], pidNamespace = FIRST): RecordedProcesses {
  const init = { command: 'systemd', descriptors: {}, mountinfo: ROOT };
  const mountinfo = [ROOT, ...elsewhere].join('\n');
  const other = { command: 'other', descriptors: {}, namespace: 'mnt:[2]', mountinfo };
  return new RecordedProcesses({ self: init, 1: init, 70: other }, pidNamespace);
}

const planOf = (system: SystemView, view: RecordedProcesses = processes()): Promise<Plan> =>
  readPlan({ include: [], skip: [] }, system, view);
const unseen = ({ excluded }: Plan) =>
  excluded
    .filter(({ reason }) => reason === 'no-mount')
    .map(({ mountPoint, type, disks, isWritable }) => [mountPoint, type, disks.join(), isWritable]);

test('a superblock that no mount shows is left out, with its disk and a warning', async () => {
  const made = machine().superblocks('xfs', 'stats', 'sdc').superblocks('ext4', 'sdd');
  const plan = await planOf(made.build());
  assert.equal(unseen(plan), [
    ['/dev/sdd', 'ext4', 'sdd', true],
    ['/dev/sdc', 'xfs', 'sdc', true],
  ]);
  const warnings = (plan.warnings ?? []).filter((it) => it.includes('no mount of it is visible'));
  assert.is(warnings.length, 2);
  assert.match(warnings[1] ?? '', /^\/dev\/sdc \(xfs\) is not frozen, because the kernel has it/);
});

test('what another mount namespace has, also read-only, is not one; nor an ext4 that is read-only', async () => {
  const made = machine()
    .superblocks('xfs', 'sdc')
    .superblocks('ext4', 'sdd')
    .ext4Options('sdd', 'ro', 'bsddf');
  const view = processes(['31 22 8:32 / /data ro - xfs /dev/sdc ro']);
  assert.equal(unseen(await planOf(made.build(), view)), []);
});

test('a btrfs is one if no mount claims its devices, and the devices of all others are known', async () => {
  const made = (): Machine => machine().btrfs('11', 'sdc', 'sdd');
  assert.equal(unseen(await planOf(made().build())), [['/dev/sdc', 'btrfs', 'sdc,sdd', true]]);
  const claimed = processes(['31 22 0:50 / /data rw - btrfs /dev/sdd rw']);
  assert.equal(unseen(await planOf(made().build(), claimed)), []);
  const unknown = processes(['31 22 0:50 / /data rw - btrfs /dev/mapper/pool rw']);
  assert.equal(unseen(await planOf(made().build(), unknown)), []);
});

test('what was just being mounted, or unmounted, at the first look is not one', async () => {
  const made = machine().superblocks('xfs', 'sdc').build();
  let reads = 0;
  const mounting: SystemView = {
    ...viewOf(made),
    mountinfo: () => {
      reads += 1;
      const mount = '40 22 8:32 / /data rw - xfs /dev/sdc rw';
      return Promise.resolve(Buffer.from(`${reads > 2 ? `${ROOT}\n${mount}` : ROOT}\n`));
    },
  };
  assert.equal(unseen(await planOf(mounting)), []);
  assert.is(reads, 4);
  let looks = 0;
  const unmounting: SystemView = {
    ...viewOf(made),
    list: (directory) => {
      looks += Number(directory === '/sys/fs/xfs');
      return directory === '/sys/fs/xfs' && looks > 1 ? undefined : made.list(directory);
    },
  };
  assert.equal(unseen(await planOf(unmounting)), []);
  assert.is(looks, 2);
});

test('in a container that does not see every process, what others have mounted is left out, too, but not their images', async () => {
  const made = machine()
    .superblocks('xfs', 'sdc')
    .loop({ name: 'loop3', number: '7:3', gib: 1, image: '/other.img' });
  const inside = processes([], 'pid:[4026532200]');
  assert.equal(unseen(await planOf(made.build(), inside)), [['/dev/sdc', 'xfs', 'sdc', true]]);
  const image = made.superblocks('ext4', 'loop3').build();
  assert.equal(unseen(await planOf(image, inside)), [['/dev/sdc', 'xfs', 'sdc', true]]);
  assert.equal((await planOf(image, inside)).warnings, []);
  assert.is(unseen(await planOf(image)).length, 2);
});

function viewOf(system: SystemView): SystemView {
  return {
    mountinfo: () => system.mountinfo(),
    list: (directory) => system.list(directory),
    read: (file) => system.read(file),
    resolve: (path) => system.resolve(path),
    inspect: (path) => system.inspect(path),
  };
}

test.run();
