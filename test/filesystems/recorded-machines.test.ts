/** Machines recorded by `npm run machines -- --record`, where lsblk, lvs and mdadm agreed with the plan. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
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

for (const name of NAMES) {
  test(`${name} has the plan that its machine had`, async () => {
    const read = (ending: string): string =>
      readFileSync(join(RECORDED, `${name}${ending}`), 'utf8');
    const machine = readRecording(read('.sysfs'), read('.mountinfo'));
    const { fileSystems } = await readPlan({ include: [], skip: [] }, machine);
    const plan = fileSystems.map(({ mountPoint, type, disks }) => ({ mountPoint, type, disks }));
    assert.equal(plan, JSON.parse(read(ENDING)));
  });
}

test.run();
