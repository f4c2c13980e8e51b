import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as assert from 'uvu/assert';
import { enterGuestLab } from '../../src/lab/agent/enter-guest-lab.ts';
import { requireGuestImage } from '../../src/lab/agent/guest-image.ts';
import { requireLabCommands } from '../../src/lab/requirements.ts';
import { runCommand, tryCommand } from '../../src/lab/run-command.ts';
import { until } from '../extension/unit-scene.ts';
import { prepareArchive } from '../setup/archive.ts';
import { BareMachine, SERVICE, TIMER } from '../setup/bare-machine.ts';
import { suite } from '../suite.ts';
import { packagePath, preparePackages, VERSIONS } from './packages.ts';

await enterGuestLab({ lifetimeSeconds: 900 }, async () => {
  await requireLabCommands(['rpm', 'rpmbuild']);
  await requireGuestImage('build-systemd-image.sh');
  await prepareArchive();
  await preparePackages();
});

const test = suite('installing packages on a bare machine');
const [VERSION, NEWER] = VERSIONS;
const COMMAND = '/usr/sbin/flashfreeze';
/** What the tests have made, and a purge leaves. */
const OF_OPERATOR =
  /^etc\/flashfreeze(?:\/(?:blobs\.txt|lab-ca\.pem))?$|flashfreeze-snapshot\.service\.d/;
const KEPT =
  /^(?:etc\/(?:flashfreeze|azure)|etc\/systemd\/system\/flashfreeze-snapshot\.service\.d|var\/lib\/(?:flashfreeze|dpkg|rpm)|usr\/lib\/sysimage\/rpm|var\/cache)(?:\/|$)/;

async function installDeb(machine: BareMachine, version: string): Promise<string> {
  const path = packagePath('deb', version);
  await machine.bring(path, `/root/${basename(path)}`);
  return await machine.run('dpkg', '--install', `/root/${basename(path)}`);
}

test('a deb: installed, its timer enabled or not, removed and purged without a rest', async () => {
  await using machine = await BareMachine.create();
  const before = await machine.tree();
  await installDeb(machine, VERSION);
  assert.is(await machine.run('flashfreeze', '--version'), VERSION);
  const doctor = await machine.end('flashfreeze', 'doctor');
  assert.match(doctor.stdout, '✓ parts: addon, guardian and request threads start');
  assert.is(await machine.run('dpkg', '--verify', 'flashfreeze'), '');
  assert.is((await machine.end('systemctl', 'is-enabled', TIMER)).stdout, 'disabled\n');
  const refused = await machine.end(COMMAND, 'setup', '--remove');
  assert.match(refused.stderr, /installed as a package; remove that.*FF_USAGE/);
  await machine.run('systemctl', 'enable', '--now', TIMER);
  assert.match(await machine.run('systemctl', 'list-timers', '--no-legend'), TIMER);
  await machine.configure();
  await machine.run('systemctl', 'start', SERVICE);
  assert.is(await machine.count(), 1);
  await machine.run('dpkg', '--remove', 'flashfreeze');
  assert.not.match(await machine.run('systemctl', 'list-timers', '--all', '--no-legend'), TIMER);
  assert.is((await machine.show(SERVICE, 'LoadState')).LoadState, 'not-found');
  assert.equal(
    (await machine.tree()).filter((path) => !before.includes(path) && !KEPT.test(path)),
    [],
  );
  await machine.run('dpkg', '--purge', 'flashfreeze');
  const rest = (await machine.tree()).filter((path) => /flashfreeze/.test(path));
  assert.equal(
    rest.filter((path) => !OF_OPERATOR.test(path)),
    [],
  );
});

test('a deb is upgraded while a run goes on, which keeps its files; it is not removed then', async () => {
  await using machine = await BareMachine.create();
  await installDeb(machine, VERSION);
  await machine.run(COMMAND, 'setup', '--timer', 'weekly');
  assert.is((await machine.end('systemctl', 'is-enabled', TIMER)).stdout, 'enabled\n');
  await machine.configure();
  const held = await machine.holdRun();
  const upgraded = await installDeb(machine, NEWER);
  assert.match(upgraded, `which process ${held.pid} uses`);
  assert.match(upgraded, `timer: ${TIMER}, weekly`);
  const busy = await machine.end('dpkg', '--remove', 'flashfreeze');
  assert.is.not(busy.code, 0);
  assert.match(busy.stderr, 'FF_SETUP_BUSY');
  await held.goOn();
  await machine.is(SERVICE, 'inactive');
  assert.is((await machine.show(SERVICE, 'Result')).Result, 'success');
  assert.is(await machine.count(), 1);
  await machine.run('systemctl', 'start', SERVICE);
  assert.is(await machine.count(), 2);
  await machine.run('dpkg', '--remove', 'flashfreeze');
  assert.is((await machine.show(TIMER, 'LoadState')).LoadState, 'not-found');
  assert.not.match((await machine.tree()).join('\n'), '\nopt/flashfreeze');
});

test('an rpm: installed, upgraded and erased without a rest', async () => {
  await using machine = await BareMachine.create();
  const before = await machine.tree();
  const root = machine.guest.path('/');
  // The guest has no rpm; that of the lab runs the package’s scripts in the guest’s root.
  await runCommand('mount', ['-t', 'proc', 'proc', join(root, 'proc')]);
  await using unmounted = new AsyncDisposableStack();
  unmounted.defer(async () => {
    await runCommand('umount', [join(root, 'proc')]);
  });
  const rpm = async (...args: readonly string[]): Promise<void> => {
    const { code, stdout, stderr } = await tryCommand('env', [
      ...[
        '--unset=NODE_EXTRA_CA_CERTS',
        'rpm',
        '--root',
        root,
        '--dbpath',
        '/var/lib/rpm',
        '--nodeps',
        ...args,
      ],
    ]);
    assert.is(code, 0, `${args.join(' ')}: ${stdout}${stderr}`);
    assert.not.match(stderr, /scriptlet failed|FF_/);
  };
  await rpm('--install', packagePath('rpm', VERSION));
  assert.is(await machine.run('flashfreeze', '--version'), VERSION);
  await rpm('--verify', 'flashfreeze');
  const versions = async (): Promise<string[]> =>
    (await readdir(machine.guest.path('/opt/flashfreeze')))
      .filter((name) => /^\d/.test(name))
      .map((name) => name.replace(/-.*/, ''));
  assert.equal(await versions(), [VERSION]);
  await rpm('--upgrade', packagePath('rpm', NEWER));
  assert.equal(await versions(), [NEWER]);
  await rpm('--verify', 'flashfreeze');
  await machine.configure();
  await machine.run('systemctl', 'start', SERVICE);
  await until(
    async () => (await machine.count()) === 1,
    () => 'snapshot',
  );
  await rpm('--erase', 'flashfreeze');
  assert.equal(
    (await machine.tree()).filter((path) => !before.includes(path) && !KEPT.test(path)),
    // On a machine with rpm the package filesystem has it.
    ['usr/share/man/man8'],
  );
});

test.run();
