import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { FlashfreezeError } from '../../src/errors.ts';
import { install, type Wishes } from '../../src/setup/install.ts';
import { commandLink, examplePath, type Places, textPaths } from '../../src/setup/places.ts';
import { SetupLock } from '../../src/setup/setup-lock.ts';
import { uninstall } from '../../src/setup/uninstall.ts';
import { suite } from '../suite.ts';

const test = suite('setup');

const SHIM = join(import.meta.dirname, '../../src/package/flashfreeze.sh');
const WISHES: Wishes = {
  texts: { manual: 'manual', bash: 'bash', zsh: 'zsh', fish: 'fish' },
  example: '# example\n',
};

/** A machine's folders, and unpacked archives with a script in the place of Node.js. */
class Machine implements AsyncDisposable {
  readonly root: string;
  readonly places: Places;

  private constructor(root: string) {
    this.root = root;
    this.places = {
      prefix: join(root, 'opt/flashfreeze'),
      local: join(root, 'local'),
      etc: join(root, 'etc'),
      state: join(root, 'state'),
      lock: join(root, 'run/setup.lock'),
      isPackaged: false,
    };
  }

  static async create(): Promise<Machine> {
    const machine = new Machine(await mkdtemp(join(tmpdir(), 'setup-')));
    await mkdir(machine.places.local);
    return machine;
  }

  async unpack(version: string, node = `#!/bin/sh\necho ${version}\n`): Promise<string> {
    const folder = await mkdtemp(join(this.root, 'unpacked-'));
    const put = (name: string, text: string): Promise<void> =>
      writeFile(join(folder, name), text, { mode: 0o600 });
    await copyFile(SHIM, join(folder, 'flashfreeze'));
    await copyFile('/bin/sleep', join(folder, 'flashfreeze-guardian'));
    await copyFile('/bin/true', join(folder, 'flashfreeze-disk-heads'));
    await put('node', node);
    await put('package.json', JSON.stringify({ version }));
    for (const name of [
      'LICENSE',
      'THIRD-PARTY-NOTICES.txt',
      'flashfreeze.js',
      'flashfreeze.node',
      'flashfreeze.rules.yml',
    ]) {
      await put(name, name);
    }
    await put('worker.js', version);
    return folder;
  }

  command(): string {
    return execFileSync(commandLink(this.places), [], { encoding: 'utf8' }).trim();
  }

  async tree(): Promise<string[]> {
    const entries = await readdir(this.root, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory() && !entry.parentPath.includes('/unpacked-'))
      .map((entry) => join(entry.parentPath, entry.name).slice(this.root.length + 1))
      .sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.root, { recursive: true });
  }
}

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    assert.instance(error, FlashfreezeError, String(error));
    return `${(error as FlashfreezeError).message} (${(error as FlashfreezeError).code})`;
  }
  return 'not refused';
}

test('setup puts program, link and texts in place, may be repeated, and is removed without a rest', async () => {
  await using machine = await Machine.create();
  const { places } = machine;
  const source = await machine.unpack('1.0.0');
  const first = await install(source, WISHES, places);
  assert.match(basename(first.folder), /^1\.0\.0-[0-9a-f]{12}$/);
  const once = await machine.tree();
  assert.equal(await install(source, WISHES, places), first);
  assert.equal(await machine.tree(), once);
  // From the installed copy itself, as setup of an installation does.
  assert.equal(await install(first.folder, WISHES, places), first);

  await rm(source, { recursive: true });
  assert.is(machine.command(), '1.0.0');
  assert.is(await readlink(commandLink(places)), join(places.prefix, 'current/flashfreeze'));
  assert.is(await readFile(textPaths(places).fish, 'utf8'), 'fish');

  const removed = await uninstall(places);
  assert.ok(removed.includes(commandLink(places)));
  assert.equal(await machine.tree(), []);
  // Of the folders those that were there before.
  assert.equal(await readdir(places.local), []);
  assert.not(existsSync(join(places.prefix, '..')));
  assert.equal(await uninstall(places), []);
});

test('an older version stays while processes use it, whatever the way, and goes at the next setup', async () => {
  await using machine = await Machine.create();
  const { places } = machine;
  const reader = '#!/bin/sh\ncase "$*" in *--version) ;; *) echo on; read -r line ;; esac\n';
  const old = await install(await machine.unpack('1.0.0', reader), WISHES, places);
  const run = spawn(commandLink(places), ['snapshot'], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(run.stdout, 'data');
  const guardian = spawn(join(old.folder, 'flashfreeze-guardian'), ['1000']);
  await once(guardian, 'spawn');
  try {
    const upgraded = await install(await machine.unpack('1.0.1'), WISHES, places);
    assert.equal(
      upgraded.kept.map(({ folder, users }) => [folder, users.map(({ pid }) => pid).sort()]),
      [[old.folder, [run.pid, guardian.pid].sort()]],
    );
    assert.is(machine.command(), '1.0.1');
    assert.is(await readFile(join(old.folder, 'worker.js'), 'utf8'), '1.0.0');
    assert.match(await refusal(uninstall(places)), /runs from this installation.*FF_SETUP_BUSY/);
    assert.is(machine.command(), '1.0.1');

    run.stdin.end('\n');
    guardian.kill();
    await Promise.all([once(run, 'exit'), once(guardian, 'exit')]);
    const again = await install(await machine.unpack('1.0.1'), WISHES, places);
    assert.equal(again.removed, [old.folder]);
    assert.not(existsSync(old.folder));
  } finally {
    run.kill();
    guardian.kill();
  }
});

test('another build of one version is another folder', async () => {
  await using machine = await Machine.create();
  const { places } = machine;
  const first = await install(await machine.unpack('1.0.0'), WISHES, places);
  const rebuilt = await machine.unpack('1.0.0', '#!/bin/sh\necho rebuilt\n');
  const second = await install(rebuilt, WISHES, places);
  assert.is.not(second.folder, first.folder);
  assert.equal(second.removed, [first.folder]);
  assert.is(machine.command(), 'rebuilt');
});

test('what is not of setup is neither replaced nor removed', async () => {
  await using machine = await Machine.create();
  const { places } = machine;
  const { manual } = textPaths(places);
  await mkdir(join(manual, '..'), { recursive: true });
  await writeFile(manual, 'older');
  const { leftAlone } = await install(await machine.unpack('1.0.0'), WISHES, places);
  assert.equal(leftAlone, [manual]);
  await writeFile(join(places.prefix, 'note'), 'mine');
  await uninstall(places);
  assert.equal(await machine.tree(), [
    'local/share/man/man8/flashfreeze.8',
    'opt/flashfreeze/note',
  ]);
  assert.is(await readFile(manual, 'utf8'), 'older');

  await mkdir(dirname(commandLink(places)), { recursive: true });
  await writeFile(commandLink(places), 'other');
  const refused = await refusal(install(await machine.unpack('1.0.0'), WISHES, places));
  assert.match(refused, /sbin\/flashfreeze is there already.*\(FF_SETUP_FAILED\)/);
  assert.is(await readFile(commandLink(places), 'utf8'), 'other');
});

test('a program that does not run changes nothing; a prefix that cannot be made has a reason', async () => {
  await using machine = await Machine.create();
  const { places } = machine;
  await install(await machine.unpack('1.0.0'), WISHES, places);
  const before = await machine.tree();
  const broken = await machine.unpack('1.0.1', '#!/bin/sh\nexit 1\n');
  assert.match(await refusal(install(broken, WISHES, places)), /does not run.*\(FF_SETUP_FAILED\)/);
  assert.equal(await machine.tree(), before);
  assert.is(machine.command(), '1.0.0');
  await uninstall(places);
  const file = join(machine.root, 'local', 'file');
  await writeFile(file, '');
  const onFile = { ...places, prefix: join(file, 'x') };
  assert.match(
    await refusal(install(await machine.unpack('1.0.0'), WISHES, onFile)),
    /ENOTDIR; expected a folder.*\(FF_SETUP_FAILED\)/,
  );
});

test('the configuration is put there once, follows an upgrade while it is untouched, and stays once it is changed', async () => {
  await using machine = await Machine.create();
  const { places } = machine;
  const path = examplePath(places);
  await install(await machine.unpack('1.0.0'), WISHES, places);
  assert.is(await readFile(path, 'utf8'), WISHES.example);
  assert.is((await stat(path)).mode & 0o7777, 0o600);
  const newer = { ...WISHES, example: '# newer\n' };
  assert.not.ok((await install(await machine.unpack('1.0.1'), newer, places)).isExampleChanged);
  assert.is(await readFile(path, 'utf8'), newer.example);
  assert.ok((await uninstall(places)).includes(path));
  assert.equal(await machine.tree(), []);

  await install(await machine.unpack('1.0.0'), WISHES, places);
  await writeFile(path, '[Snapshot]\n');
  assert.ok((await install(await machine.unpack('1.0.1'), newer, places)).isExampleChanged);
  assert.is(await readFile(path, 'utf8'), '[Snapshot]\n');
  await uninstall(places);
  assert.equal(await machine.tree(), ['etc/flashfreeze/snapshot.conf']);
  // The next installation does not take it for its own.
  await install(await machine.unpack('1.0.0'), WISHES, places);
  assert.is(await readFile(path, 'utf8'), '[Snapshot]\n');
});

test('of two calls at one time, the second ends at once and names the first', async () => {
  await using machine = await Machine.create();
  const { places } = machine;
  const script = `
    import { SetupLock } from './src/setup/setup-lock.ts';
    using lock = SetupLock.take(${JSON.stringify(places)});
    process.stdout.write('held');
    for await (const _ of process.stdin) { }
  `;
  const cwd = join(import.meta.dirname, '../..');
  const first = spawn(process.execPath, ['--input-type=module', '-e', script], {
    ...{ cwd, stdio: ['pipe', 'pipe', 'inherit'] },
  });
  await once(first.stdout, 'data');
  const refused = await refusal(Promise.try(() => SetupLock.take(places)));
  assert.match(refused, `another setup is running (process ${first.pid})`);
  assert.match(refused, '(FF_SETUP_BUSY)');
  first.stdin.end();
  await once(first, 'exit');
  SetupLock.take(places)[Symbol.dispose]();
  assert.not(existsSync(places.lock));
});

test.run();
