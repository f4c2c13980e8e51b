import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as assert from 'uvu/assert';
import { enterGuestLab } from '../../src/lab/agent/enter-guest-lab.ts';
import { requireGuestImage } from '../../src/lab/agent/guest-image.ts';
import { requireLabCommands } from '../../src/lab/requirements.ts';
import { runCommand, tryCommand } from '../../src/lab/run-command.ts';
import { parseArchitecture } from '../../src/package/options.ts';
import { makeDeb } from '../../src/package/package-deb.ts';
import { makeRpm } from '../../src/package/package-rpm.ts';
import type { PayloadFile } from '../../src/package/payload-file.ts';
import { until } from '../extension/unit-scene.ts';
import { archivePath, prepareArchive, VERSION } from '../setup/archive.ts';
import { BareMachine, SERVICE, TIMER } from '../setup/bare-machine.ts';
import { suite } from '../suite.ts';

await enterGuestLab({ lifetimeSeconds: 900 }, async () => {
  await requireLabCommands(['rpm', 'rpmbuild']);
  await requireGuestImage('build-systemd-image.sh');
  await prepareArchive();
});

const test = suite('installing packages on a bare machine');
const NEWER = '1.0.1';
const COMMAND = '/usr/sbin/flashfreeze';
const TEXTS = { manual: '.TH A 8\n', bash: 'bash\n', zsh: 'zsh\n', fish: 'fish\n' };
const OUT = '/lab/packages';

/** The files of the archive, as they are in a version. */
async function payload(version: string): Promise<PayloadFile[]> {
  await runCommand('mkdir', ['-p', OUT]);
  await runCommand('tar', ['xzf', archivePath(), '-C', OUT]);
  const folder = join(OUT, `flashfreeze-${VERSION}-linux-${process.arch}`);
  const files = (await readdir(folder)).map(async (path) => {
    const content = await readFile(join(folder, path));
    const { mode } = await stat(join(folder, path));
    return { path, content, isExecutable: (mode & 0o100) !== 0 };
  });
  return (await Promise.all(files)).map((file) =>
    file.path === 'package.json'
      ? { ...file, content: Buffer.from(file.content.toString().replace(VERSION, version)) }
      : file,
  );
}

async function make(maker: typeof makeDeb, version: string): Promise<string> {
  const options = { version, architecture: parseArchitecture(process.arch), out: OUT };
  return (await maker(await payload(version), options, TEXTS)).path;
}

const KEPT =
  /^(?:etc\/(?:flashfreeze|azure)|etc\/systemd\/system\/flashfreeze-snapshot\.service\.d|var\/lib\/(?:flashfreeze|dpkg|rpm)|usr\/lib\/sysimage\/rpm|var\/cache)(?:\/|$)/;

test('a deb: installed, run by its timer’s service, upgraded while a run goes on, removed without a rest', async () => {
  await using machine = await BareMachine.create();
  const before = await machine.tree();
  const install = async (path: string): Promise<string> => {
    await machine.bring(path, `/root/${basename(path)}`);
    return await machine.run('dpkg', '--install', `/root/${basename(path)}`);
  };
  await install(await make(makeDeb, VERSION));
  assert.is(await machine.run('flashfreeze', '--version'), VERSION);
  const doctor = await machine.end('flashfreeze', 'doctor');
  assert.match(doctor.stdout, '✓ parts: addon, guardian and request threads start');
  assert.is(await machine.run('dpkg', '--verify', 'flashfreeze'), '');
  assert.is((await machine.end('systemctl', 'is-enabled', TIMER)).stdout, 'disabled\n');
  const refused = await machine.end(COMMAND, 'setup', '--remove');
  assert.match(refused.stderr, /installed as a package; remove that.*FF_USAGE/);

  await machine.run(COMMAND, 'setup', '--timer', 'weekly');
  assert.is((await machine.end('systemctl', 'is-enabled', TIMER)).stdout, 'enabled\n');
  await machine.configure();
  const held = await machine.holdRun();
  const upgraded = await install(await make(makeDeb, NEWER));
  assert.match(upgraded, `which process ${held.pid} uses`);
  assert.match(upgraded, `timer: ${TIMER}, weekly`);
  const busy = await machine.end('dpkg', '--remove', 'flashfreeze');
  assert.is.not(busy.code, 0);
  assert.match(busy.stderr, 'FF_SETUP_BUSY');
  await held.goOn();
  await machine.is(SERVICE, 'inactive');
  assert.is((await machine.show(SERVICE, 'Result')).Result, 'success');
  assert.is(await machine.count(), 1);

  // What failed before has left it half removed for dpkg, and working.
  await machine.run('dpkg', '--configure', '--pending');
  await machine.run('systemctl', 'start', SERVICE);
  assert.is(await machine.count(), 2);
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
    rest.filter(
      (path) => !/^etc\/flashfreeze(?:\/(?:blobs\.txt|lab-ca\.pem))?$|service\.d/.test(path),
    ),
    [],
  );
});

test('an rpm: installed, upgraded and erased without a rest', async () => {
  await using machine = await BareMachine.create();
  const before = await machine.tree();
  const root = machine.guest.path('/');
  const rpm = async (...args: readonly string[]): Promise<void> => {
    const { code, stdout, stderr } = await tryCommand('rpm', [
      ...['--root', root, '--dbpath', '/var/lib/rpm', '--nodeps', ...args],
    ]);
    assert.is(code, 0, `${args.join(' ')}: ${stdout}${stderr}`);
    assert.not.match(stderr, /scriptlet failed|error:/);
  };
  await rpm('--install', await make(makeRpm, VERSION));
  assert.is(await machine.run('flashfreeze', '--version'), VERSION);
  await rpm('--verify', 'flashfreeze');
  const versions = async (): Promise<string[]> =>
    (await readdir(machine.guest.path('/opt/flashfreeze')))
      .filter((name) => /^\d/.test(name))
      .map((name) => name.replace(/-.*/, ''));
  assert.equal(await versions(), [VERSION]);
  await rpm('--upgrade', await make(makeRpm, NEWER));
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
    [],
  );
});

test.run();
