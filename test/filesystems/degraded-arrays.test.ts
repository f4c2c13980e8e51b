import * as assert from 'uvu/assert';
import { describeDegraded } from '../../src/filesystems/degraded-arrays.ts';
import { readPlan } from '../../src/filesystems/read-plan.ts';
import { suite } from '../suite.ts';
import { Machine } from './machine.ts';

const test = suite('degraded arrays');

/** What the plan finds of an array on sdd and sde. */
async function found(md: Readonly<Record<string, string>>): Promise<string[]> {
  const array = { name: 'md1', number: '9:1', on: ['sde', 'sdd'], md } as const;
  const machine = new Machine()
    .dataDisks('sdc', 'sdd', 'sde')
    .mounts('20 1 8:32 / /data rw - ext4 /dev/sdc rw')
    .stacked(array);
  const { degraded = [], warnings = [] } = await readPlan(
    { include: [], skip: [] },
    machine.build(),
  );
  assert.equal(
    degraded.map(describeDegraded).filter((text) => !warnings.includes(text)),
    [],
  );
  return degraded.map(({ device, level, disks }) => `${device} ${level} ${disks.join(' ')}`);
}

for (const level of ['raid4', 'raid5', 'raid6']) {
  test(`${level} that misses a member is one, whole it is none`, async () => {
    const policy = { level, consistency_policy: 'resync' };
    assert.equal(await found({ ...policy, degraded: '1' }), [`md1 ${level} sdd sde`]);
    assert.equal(await found({ ...policy, degraded: '0' }), []);
  });
}

for (const level of ['raid0', 'raid1', 'raid10', 'linear']) {
  test(`${level} starts all the same`, async () => {
    assert.equal(await found({ level, degraded: '1', consistency_policy: 'resync' }), []);
  });
}

for (const policy of ['ppl', 'journal']) {
  test(`with the policy ${policy} nothing is lost by an interrupted write`, async () => {
    assert.equal(await found({ level: 'raid5', degraded: '1', consistency_policy: policy }), []);
  });
}

test('a kernel that does not tell the policy, or nothing', async () => {
  assert.equal(await found({ level: 'raid5', degraded: '1' }), ['md1 raid5 sdd sde']);
  assert.equal(await found({ level: 'raid5' }), []);
  assert.equal(await found({}), []);
});

test.run();
