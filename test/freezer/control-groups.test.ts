import * as assert from 'uvu/assert';
import {
  type ControlGroupView,
  leaveControlGroups,
  rootOf,
  separateFromWorker,
  toLeave,
} from '../../src/freezer/control-groups.ts';
import { suite } from '../suite.ts';

const test = suite('control groups');

const UNIFIED = `26 20 0:23 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate
`;
const HYBRID = `30 25 0:27 / /sys/fs/cgroup/unified rw shared:10 - cgroup2 cgroup2 rw,nsdelegate
31 25 0:28 / /sys/fs/cgroup/systemd rw shared:11 - cgroup cgroup rw,xattr,name=systemd
35 25 0:32 / /sys/fs/cgroup/cpu,cpuacct rw shared:15 - cgroup cgroup rw,cpu,cpuacct
36 25 0:33 /docker/4f7 /sys/fs/cgroup/freezer ro shared:16 - cgroup cgroup rw,freezer
37 25 0:34 / /odd\\040place rw shared:17 - cgroup cgroup rw,pids
`;

test('leaves the groups that could kill, freeze or limit it, and no others', () => {
  const content = `12:cpu,cpuacct:/system.slice/walinuxagent.service
9:freezer:/
8:pids:/system.slice/walinuxagent.service
1:name=systemd:/system.slice/walinuxagent.service
0::/a:b
`;
  assert.equal(toLeave(content), [
    { hierarchy: 'pids', path: '/system.slice/walinuxagent.service' },
    { hierarchy: 'name=systemd', path: '/system.slice/walinuxagent.service' },
    { hierarchy: '', path: '/a:b' },
  ]);
});

test('finds the root of a hierarchy where it is mounted', () => {
  assert.is(rootOf(UNIFIED, ''), '/sys/fs/cgroup');
  assert.is(rootOf(UNIFIED, 'freezer'), undefined);
  assert.is(rootOf(HYBRID, ''), '/sys/fs/cgroup/unified');
  assert.is(rootOf(HYBRID, 'name=systemd'), '/sys/fs/cgroup/systemd');
  assert.is(rootOf(HYBRID, 'pids'), '/odd place');
});

test('does not take the part that a container sees for a root', () => {
  assert.is(rootOf(HYBRID, 'freezer'), undefined);
});

test('a group that cannot be left gives a sentence, not an error', async () => {
  const [warning = '', ...more] = await leaveControlGroups(2 ** 22);
  assert.match(warning, /could not leave .*\(ENOENT\)/);
  assert.equal(more, []);
});

const seen = (cgroupNamespace: string | undefined, content: string): ControlGroupView => ({
  link: async (path) => (path === '/proc/self/ns/cgroup' ? cgroupNamespace : undefined),
  read: async () => content,
});

test('in a container the root is no root of the machine, and a warning says so', async () => {
  const [warning = '', ...more] = await separateFromWorker(
    7,
    seen('cgroup:[4026532259]', '0::/\n'),
  );
  assert.match(warning, /runs in a container .*run flashfreeze on the machine itself$/);
  assert.equal(more, []);
});

test('on the machine itself, or if the kernel does not tell, there is no such warning', async () => {
  for (const namespace of ['cgroup:[4026531835]', undefined]) {
    assert.equal(await separateFromWorker(7, seen(namespace, '0::/\n')), []);
  }
});

test.run();
