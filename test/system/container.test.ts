import * as assert from 'uvu/assert';
import { seesOnlyOwnControlGroups, seesOnlyOwnProcesses } from '../../src/system/container.ts';
import { suite } from '../suite.ts';

const test = suite('container');

const linked = (links: Readonly<Record<string, string>>) => ({
  link: async (path: string): Promise<string | undefined> => links[path],
});

test('a container has namespaces with other numbers than those that the kernel begins with', async () => {
  const docker = linked({
    '/proc/self/ns/cgroup': 'cgroup:[4026532259]',
    '/proc/self/ns/pid': 'pid:[4026532257]',
  });
  assert.ok(await seesOnlyOwnControlGroups(docker));
  assert.ok(await seesOnlyOwnProcesses(docker));
});

test('the machine itself, and a kernel that does not tell, are no container', async () => {
  const machine = linked({
    '/proc/self/ns/cgroup': 'cgroup:[4026531835]',
    '/proc/self/ns/pid': 'pid:[4026531836]',
  });
  for (const view of [machine, linked({})]) {
    assert.not(await seesOnlyOwnControlGroups(view));
    assert.not(await seesOnlyOwnProcesses(view));
  }
});

test.run();
