import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { FlashfreezeError } from '../../src/errors.ts';
import { type Places, timerPaths } from '../../src/setup/places.ts';
import {
  delaySeconds,
  minuteOf,
  renderCron,
  renderService,
  renderTimer,
} from '../../src/setup/schedule.ts';
import { putTimer, removeTimer, type Schedulers, timerFor } from '../../src/setup/timer.ts';
import { suite } from '../suite.ts';

const test = suite('timer of setup');

/** The folders of a machine, and programs of systemd's that only note how they are called. */
class Machine implements AsyncDisposable {
  readonly places: Places;
  readonly calls: string[] = [];
  readonly #root: string;
  /** What systemd-analyze says against a schedule. */
  complaint = '';
  /** What systemctl is-enabled says. */
  isEnabled = true;
  /** The state of the service. */
  state = 'inactive';

  private constructor(root: string) {
    this.#root = root;
    this.places = {
      ...{ prefix: join(root, 'opt'), local: join(root, 'local'), etc: join(root, 'etc') },
      ...{ state: join(root, 'state'), lock: join(root, 'lock'), isPackaged: false },
    };
  }

  static async create(): Promise<Machine> {
    const machine = new Machine(await mkdtemp(join(tmpdir(), 'timer-')));
    await mkdir(dirname(timerPaths(machine.places).cron), { recursive: true });
    return machine;
  }

  schedulers(hasSystemd: boolean): Schedulers {
    return {
      hasSystemd,
      run: async (program, args) => {
        this.calls.push([program, ...args].join(' '));
        if (program === 'systemd-analyze' && this.complaint !== '') {
          throw Object.assign(new Error('failed'), { stderr: `${this.complaint}\n` });
        }
        if (args[0] === 'is-enabled' && !this.isEnabled) {
          throw new Error('disabled');
        }
        return args.includes('--property=ActiveState') ? `${this.state}\n` : '';
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#root, { recursive: true });
  }
}

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'not refused';
  } catch (error) {
    assert.instance(error, FlashfreezeError, String(error));
    return `${(error as FlashfreezeError).message} (${(error as FlashfreezeError).code})`;
  }
}

test('the service gives the run no mounts of its own, and its group may be killed without the guardian', () => {
  const service = renderService('/usr/local/sbin/flashfreeze');
  const keys = [...service.matchAll(/^(\w+)=/gm)].map(([, key]) => key ?? '');
  // systemd.exec(5): these make a mount namespace, hide devices or forbid what Node.js and scripts need.
  const harmful =
    /^(?:Protect\w+|Private\w+|\w+Paths|RootDirectory|RootImage|MountFlags|Device\w+|DynamicUser|NoNewPrivileges|MemoryDenyWriteExecute|User|(?:State|Cache|Logs|Runtime|Configuration)Directory|TemporaryFileSystem|MountImages|ExtensionImages|JoinsNamespaceOf|RestrictNamespaces)$/;
  assert.equal(
    keys.filter((key) => harmful.test(key)),
    [],
  );
  assert.match(service, /^KillMode=process$/m);
  assert.match(
    service,
    /^ExecStart=\/usr\/bin\/env \/usr\/local\/sbin\/flashfreeze snapshot --conf \/etc\/flashfreeze\/snapshot\.conf$/m,
  );
  assert.match(renderService('/opt/100%/flashfreeze'), '/opt/100%%/flashfreeze');
});

test('each schedule has a delay that fits it', () => {
  assert.equal(['hourly', 'daily', 'weekly', '*:0/15'].map(delaySeconds), [300, 3600, 3600, 60]);
  const timer = renderTimer('Mon..Fri 02:30');
  for (const line of ['OnCalendar=Mon..Fri 02:30', 'RandomizedDelaySec=60', 'Persistent=true']) {
    assert.ok(timer.split('\n').includes(line), line);
  }
});

test('cron gets one line that leaves a run out while another goes on; the minute is the machine’s own', () => {
  const line = (schedule: string): string | undefined =>
    renderCron(schedule, '/s/flashfreeze', 17)
      ?.split('\n')
      .find((it) => it.includes(' root '));
  const run =
    'root flock -n -o /run/flashfreeze-snapshot.lock /s/flashfreeze snapshot --quiet --conf /etc/flashfreeze/snapshot.conf >/dev/null';
  assert.is(line('hourly'), `17 * * * * ${run}`);
  assert.is(line('daily'), `17 0 * * * ${run}`);
  assert.is(line('weekly'), `17 0 * * 1 ${run}`);
  assert.is(line('*:0/15'), undefined);
  assert.is(line('constructor'), undefined);
  const minutes = Array.from({ length: 600 }, (_, machine) => minuteOf(`machine-${machine}`));
  assert.is(new Set(minutes).size, 60);
  assert.ok(minutes.every((minute) => Number.isInteger(minute) && minute >= 0 && minute < 60));
});

test('with systemd: checked, written, loaded, started; again only if something changed; removed without a rest', async () => {
  await using machine = await Machine.create();
  const { places, calls } = machine;
  const paths = timerPaths(places);
  const schedulers = machine.schedulers(true);
  const timer = await timerFor('daily', places, schedulers);
  assert.equal(timer, { schedule: 'daily', by: 'systemd' });
  assert.equal(calls.splice(0), ['systemd-analyze calendar -- daily']);
  await putTimer(timer, places, schedulers);
  const load = ['systemctl daemon-reload', 'systemctl enable --quiet flashfreeze-snapshot.timer'];
  assert.equal(calls.splice(0), [...load, 'systemctl restart flashfreeze-snapshot.timer']);
  await putTimer(timer, places, schedulers);
  assert.equal(calls.splice(0), [...load, 'systemctl start flashfreeze-snapshot.timer']);
  await putTimer({ ...timer, schedule: 'hourly' }, places, schedulers);
  assert.is(calls.splice(0).at(-1), 'systemctl restart flashfreeze-snapshot.timer');
  assert.match(await readFile(paths.timer, 'utf8'), 'OnCalendar=hourly\n');
  await mkdir(dirname(paths.stamp), { recursive: true });
  await writeFile(paths.stamp, '');
  assert.equal(await removeTimer(timer, places, schedulers), [paths.service, paths.timer]);
  assert.is(calls[0], 'systemctl stop flashfreeze-snapshot.timer');
  assert.is(calls[2], 'systemctl disable --quiet --now flashfreeze-snapshot.timer');
  assert.equal(
    [paths.service, paths.timer, paths.stamp].filter((path) => existsSync(path)),
    [],
  );
  assert.equal(await removeTimer(timer, places, schedulers), []);
});

test('while the service runs, its files stay and the timer goes on', async () => {
  await using machine = await Machine.create();
  const { places, calls } = machine;
  const schedulers = machine.schedulers(true);
  const timer = { schedule: 'daily', by: 'systemd' } as const;
  await putTimer(timer, places, schedulers);
  machine.state = 'activating';
  assert.match(
    await refusal(removeTimer(timer, places, schedulers)),
    /flashfreeze-snapshot\.service is running; wait.*FF_SETUP_BUSY/,
  );
  assert.is(calls.at(-1), 'systemctl start flashfreeze-snapshot.timer');
  assert.ok(existsSync(timerPaths(places).service));
});

test('an upgrade gives a timer that the operator has disabled its new files, and leaves it disabled', async () => {
  await using machine = await Machine.create();
  const { places, calls } = machine;
  const schedulers = machine.schedulers(true);
  const timer = { schedule: 'daily', by: 'systemd' } as const;
  machine.isEnabled = false;
  await putTimer(timer, places, schedulers, true);
  assert.ok(existsSync(timerPaths(places).timer));
  assert.equal(
    calls.filter((call) => /enable --quiet|start/.test(call)),
    [],
  );
  await putTimer(timer, places, schedulers);
  assert.is(calls.at(-1), 'systemctl start flashfreeze-snapshot.timer');
});

test('in a chroot, where systemd does not run, an upgrade writes the files and a removal leaves nothing', async () => {
  await using machine = await Machine.create();
  const { places, calls } = machine;
  const schedulers = machine.schedulers(false);
  const timer = { schedule: 'daily', by: 'systemd' } as const;
  await putTimer(timer, places, schedulers, true);
  const { service, timer: unit, wish } = timerPaths(places);
  assert.ok(existsSync(service));
  await mkdir(dirname(wish), { recursive: true });
  await symlink(unit, wish);
  await removeTimer(timer, places, schedulers);
  assert.equal(await readdir(dirname(wish)), []);
  assert.equal(calls, []);
});

test('without systemd: a file for cron', async () => {
  await using machine = await Machine.create();
  const { places } = machine;
  const schedulers = machine.schedulers(false);
  const timer = await timerFor('weekly', places, schedulers);
  assert.equal(timer, { schedule: 'weekly', by: 'cron' });
  await putTimer(timer, places, schedulers);
  const { cron } = timerPaths(places);
  assert.match(await readFile(cron, 'utf8'), /^\d+ 0 \* \* 1 root /m);
  assert.equal(await removeTimer(timer, places, schedulers), [cron]);
  assert.not(existsSync(cron));
  assert.equal(machine.calls, []);
});

test('a schedule that cannot be kept is refused with what can', async () => {
  await using machine = await Machine.create();
  const { places } = machine;
  machine.complaint = 'Failed to parse calendar specification';
  const said = await refusal(timerFor('nightly', places, machine.schedulers(true)));
  assert.match(
    said,
    /--timer nightly: expected hourly, daily, weekly, off or a time as OnCalendar=/,
  );
  assert.match(said, /Failed to parse calendar specification\) \(FF_USAGE\)/);
  machine.complaint = '';
  assert.match(await refusal(timerFor('a\nb', places, machine.schedulers(true))), /FF_USAGE/);
  assert.match(
    await refusal(timerFor('*:0/15', places, machine.schedulers(false))),
    /cron knows no/,
  );
  await rm(dirname(timerPaths(places).cron), { recursive: true });
  assert.match(
    await refusal(timerFor('daily', places, machine.schedulers(false))),
    /no .*cron\.d; let its scheduler run: flock .*snapshot --quiet .*FF_SETUP_FAILED/,
  );
});

test.run();
