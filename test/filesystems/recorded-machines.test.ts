/** Machines recorded by `npm run machines -- --record`, where lsblk, lvs and mdadm agreed with the plan. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Plan } from '../../src/filesystems/plan-types.ts';
import { readPlan } from '../../src/filesystems/read-plan.ts';
import { suite } from '../suite.ts';
import { readRecording } from './recording.ts';

const test = suite('recorded machines');
const RECORDED = join(import.meta.dirname, 'fixtures/recorded');
const ENDING = '.plan.json';
const NAMES = readdirSync(RECORDED)
  .filter((file) => file.endsWith(ENDING))
  .map((file) => file.slice(0, -ENDING.length));

test('there are recordings', () => {
  assert.ok(NAMES.length > 0);
});

function read(name: string, ending: string): string {
  return readFileSync(join(RECORDED, `${name}${ending}`), 'utf8');
}

function planOf(name: string): Promise<Plan> {
  const machine = readRecording(read(name, '.sysfs'), read(name, '.mountinfo'));
  return readPlan({ include: [], skip: [] }, machine);
}

test('disks name the md arrays that lie on them', async () => {
  const { disks } = await planOf('md-6.1');
  const arrays = disks.map(({ name, arrays = [] }) => `${name} ${arrays.join(' ')}`.trim());
  assert.equal(arrays, [
    ...['ubda', 'ubdb md1', 'ubdc md1', 'ubdd md2', 'ubde md2', 'ubdf md3', 'ubdg md3'],
    ...['ubdh md3', 'ubdi md4', 'ubdj md4', 'ubdk md4', 'ubdl md4'],
  ]);
});

test('disks of a recorded Azure layout have the roles and LUNs that the VM has given to them', async () => {
  const rolesOf = async (name: string): Promise<string[]> =>
    (await planOf(name)).disks.map((it) => `${it.role} ${it.lun ?? '-'} ${it.sizeBytes / 2 ** 20}`);
  // Sizes as bench/machines/qemu/machines.ts has them, because the kernel names the disks in any order.
  assert.equal((await rolesOf('azure-scsi-6.12')).sort(), [
    ...['data 0 128', 'data 1 200', 'data 12 320', 'data 2 96', 'data 5 200', 'data 63 96'],
    ...['data 7 160', 'os - 1024'],
  ]);
  assert.equal((await rolesOf('azure-nvme-6.12')).sort(), [
    ...['data 0 96', 'data 1 200', 'data 20 200', 'data 3 320', 'os - 1024'],
  ]);
});

test('a disk that two paths lead to is one disk, with the LUN of both', async () => {
  const { disks } = await planOf('multipath-6.12');
  const shared = disks.filter(({ paths }) => paths !== undefined);
  assert.equal(shared.map(({ lun, paths = [] }) => [lun, paths.length]).sort(), [
    [1, 2],
    [2, 2],
  ]);
  assert.is(disks.length, 4);
});

for (const name of NAMES) {
  test(`${name} has the plan that its machine had`, async () => {
    const { fileSystems } = await planOf(name);
    const plan = fileSystems.map(({ mountPoint, type, disks }) => ({ mountPoint, type, disks }));
    assert.equal(plan, JSON.parse(read(name, ENDING)));
  });
}

test.run();
