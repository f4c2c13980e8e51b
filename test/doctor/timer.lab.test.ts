import { writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { nextRunIn, SHOW_TIMERS } from '../../src/doctor/read-schedule.ts';
import { enterGuestLab } from '../../src/lab/agent/enter-guest-lab.ts';
import { Guest } from '../../src/lab/agent/guest.ts';
import { requireGuestImage } from '../../src/lab/agent/guest-image.ts';
import { inGuest, systemdGuest } from '../../src/lab/agent/systemd-guest.ts';
import { suite } from '../suite.ts';

await enterGuestLab({ lifetimeSeconds: 600 }, async () => {
  await requireGuestImage('build-systemd-image.sh');
});

const test = suite('next run by a timer of systemd');

test('is the earliest start of the timers that are named after flashfreeze', async () => {
  await using guest = await Guest.create([], systemdGuest());
  const run = async (...argv: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await inGuest(guest, ['env', 'TZ=UTC', ...argv]);
    assert.is(code, 0, stderr);
    return stdout;
  };
  assert.is(nextRunIn(await run('systemctl', ...SHOW_TIMERS)), undefined);
  for (const [name, when] of [
    ['flashfreeze', '2099-01-02 03:04:05'],
    ['flashfreeze-hourly', '2098-01-02 03:04:05'],
    ['other', '2097-01-02 03:04:05'],
  ]) {
    const unit = guest.path('/etc/systemd/system', `${name}`);
    await writeFile(`${unit}.timer`, `[Timer]\nOnCalendar=${when} UTC\n`);
    await writeFile(`${unit}.service`, '[Service]\nExecStart=/bin/true\n');
    await run('systemctl', 'start', `${name}.timer`);
  }
  assert.equal(nextRunIn(await run('systemctl', ...SHOW_TIMERS)), {
    at: new Date('2098-01-02T03:04:05Z'),
    by: 'flashfreeze-hourly.timer',
  });
});

test.run();
