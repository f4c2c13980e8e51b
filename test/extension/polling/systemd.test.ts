import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { ServiceCommand } from '../../../src/extension/polling/service-command.ts';
import {
  renderUnit,
  type Systemd,
  startUnit,
  stopUnit,
  UNIT_NAME,
} from '../../../src/extension/polling/systemd.ts';
import { suite } from '../../suite.ts';

const test = suite('polling service as a unit of systemd');

const COMMAND: ServiceCommand = {
  argv: [
    '/var/lib/waagent/a b-1.0/node',
    '/var/lib/waagent/a b-1.0/flashfreeze.js',
    'extension',
    'poll',
  ],
  directory: '/var/lib/waagent/a b-1.0',
  environment: { PATH: '/usr/bin:/bin', ODD: 'a "quote", 100% $HOME \\' },
};

/** What it is asked where the unit is new. */
const STARTED = ['daemon-reload', `restart ${UNIT_NAME}`, `enable ${UNIT_NAME}`];
const WANTS = 'multi-user.target.wants';

/** A systemd that notes what it is asked, makes and removes enable's link, and knows whether the service runs. */
class Noted implements Systemd, AsyncDisposable {
  readonly unitDirectory: string;
  readonly calls: string[] = [];
  isRunning = false;
  /** Done once, within the next daemon-reload. */
  meanwhile: (() => Promise<void>) | undefined;

  private constructor(unitDirectory: string) {
    this.unitDirectory = unitDirectory;
  }

  static async create(): Promise<Noted> {
    return new Noted(await mkdtemp(join(tmpdir(), 'units-')));
  }

  systemctl = async (...args: readonly string[]): Promise<void> => {
    this.calls.push(args.join(' '));
    const [verb] = args;
    this.isRunning = (this.isRunning || verb === 'start' || verb === 'restart') && verb !== 'stop';
    const wants = join(this.unitDirectory, WANTS);
    if (verb === 'enable') {
      await mkdir(wants, { recursive: true });
      await writeFile(join(wants, UNIT_NAME), '');
    } else if (verb === 'disable') {
      this.isRunning &&= !args.includes('--now');
      await rm(wants, { recursive: true, force: true });
    } else if (verb === 'daemon-reload') {
      const { meanwhile } = this;
      this.meanwhile = undefined;
      await meanwhile?.();
    }
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.unitDirectory, { recursive: true });
  }
}

test('the unit’s words are quoted as systemd reads them: variables in commands, not in the environment', () => {
  const unit = renderUnit({ ...COMMAND, argv: [...COMMAND.argv, '100% $HOME'] });
  assert.match(
    unit,
    'ExecStart=/usr/bin/env "/var/lib/waagent/a b-1.0/node" "/var/lib/waagent/a b-1.0/flashfreeze.js" "extension" "poll" "100%% $$HOME"\n',
  );
  assert.match(unit, 'Environment="ODD=a \\"quote\\", 100%% $HOME \\\\"\n');
  assert.match(unit, 'KillMode=process\n');
  assert.match(unit, 'Restart=on-failure\n');
  assert.match(unit, 'TasksMax=infinity\n');
  assert.match(unit, 'WorkingDirectory=/var/lib/waagent/a b-1.0\n');
});

test('starting it twice is starting it once', async () => {
  await using systemd = await Noted.create();
  await startUnit(COMMAND, systemd);
  assert.equal(systemd.calls, STARTED);
  assert.is(await readFile(join(systemd.unitDirectory, UNIT_NAME), 'utf8'), renderUnit(COMMAND));
  await startUnit(COMMAND, systemd);
  assert.equal(systemd.calls.slice(3), [`start ${UNIT_NAME}`]);
});

test('another version is started anew', async () => {
  await using systemd = await Noted.create();
  await startUnit(COMMAND, systemd);
  await startUnit({ ...COMMAND, directory: '/var/lib/waagent/a-2.0' }, systemd);
  assert.equal(systemd.calls.slice(3), STARTED);
});

for (const failing of STARTED) {
  test(`where "${failing}" fails, the next start does all of it again`, async () => {
    await using systemd = await Noted.create();
    await startUnit({ ...COMMAND, directory: '/var/lib/waagent/a-0.9' }, systemd);
    const broken: Systemd = {
      unitDirectory: systemd.unitDirectory,
      systemctl: async (...args) => {
        if (args.join(' ') === failing) {
          throw new Error('it hangs');
        }
      },
    };
    await startUnit(COMMAND, broken).then(
      () => assert.unreachable(),
      (error: unknown) => assert.match(String(error), 'it hangs'),
    );
    await startUnit(COMMAND, systemd);
    assert.equal(systemd.calls.slice(3), STARTED);
  });
}

test('stopping it leaves nothing, and may be repeated', async () => {
  await using systemd = await Noted.create();
  await startUnit(COMMAND, systemd);
  await stopUnit(COMMAND.directory, false, systemd);
  assert.equal(systemd.calls.slice(3), [
    `disable --now ${UNIT_NAME}`,
    'daemon-reload',
    `stop ${UNIT_NAME}`,
    `reset-failed ${UNIT_NAME}`,
  ]);
  assert.equal(await readdir(systemd.unitDirectory), []);
  await stopUnit(COMMAND.directory, false, systemd);
  assert.equal(systemd.calls.slice(7), [`stop ${UNIT_NAME}`, `reset-failed ${UNIT_NAME}`]);
});

test('one that was started while its file was removed does not stay', async () => {
  await using systemd = await Noted.create();
  systemd.meanwhile = async () => void (await stopUnit(COMMAND.directory, false, systemd));
  await startUnit(COMMAND, systemd);
  assert.equal(await readdir(systemd.unitDirectory), [WANTS]);
  assert.is(systemd.isRunning, true);
  await stopUnit(COMMAND.directory, false, systemd);
  assert.is(systemd.isRunning, false);
});

/** Directories of extensions, which exist while they are installed. */
async function extensions(systemd: Noted, ...names: readonly string[]): Promise<string[]> {
  const paths = names.map((name) => join(systemd.unitDirectory, name));
  await Promise.all(paths.map((path) => mkdir(path)));
  return paths;
}

/** The unit of the replaced extension, which does not remove it. */
const othersUnit = (directory: string): string =>
  `[Unit]\n\tDescription=Snapshot service for Microsoft Azure Restore Points\n[Service]\n\tRestart=always\n\tWorkingDirectory=${directory}\n\tExecStart=/usr/bin/python3 main/handle_host_daemon.py\n`;

test('the unit of another extension that is installed is neither overwritten, stopped nor removed', async () => {
  const others = [
    ['of the replaced one', othersUnit],
    ['of another flashfreeze', (directory: string) => renderUnit({ ...COMMAND, directory })],
  ] as const;
  for (const [why, unitOf] of others) {
    await using systemd = await Noted.create();
    const [theirs = '', own = ''] = await extensions(systemd, 'Other.Snapshot-1.0', 'Own.Name-2.0');
    const path = join(systemd.unitDirectory, UNIT_NAME);
    await writeFile(path, unitOf(theirs));
    const said = `${path} belongs to the extension in ${theirs}, and is left alone`;
    assert.match((await startUnit({ ...COMMAND, directory: own }, systemd)) ?? '', said);
    for (const alsoLeft of [true, false]) {
      assert.match((await stopUnit(own, alsoLeft, systemd)) ?? '', said);
    }
    assert.is(await readFile(path, 'utf8'), unitOf(theirs), why);
    assert.equal(systemd.calls, [], why);
  }
});

test('the unit that the replaced extension left is taken over, or removed, by enable; disable and uninstall leave it', async () => {
  for (const isGone of [true, false]) {
    // Under the same name, its directory may still be there; under another one, the agent has removed it.
    const name = isGone ? 'Other.Snapshot-1.0' : 'Own.Name-1.0';
    await using systemd = await Noted.create();
    const [theirs = '', own = ''] = await extensions(systemd, name, 'Own.Name-2.0');
    if (isGone) {
      await rm(theirs, { recursive: true });
    }
    const path = join(systemd.unitDirectory, UNIT_NAME);
    const command = { ...COMMAND, directory: own };
    await writeFile(path, othersUnit(theirs));
    assert.match((await stopUnit(own, false, systemd)) ?? '', 'is not from flashfreeze');
    assert.is(await readFile(path, 'utf8'), othersUnit(theirs));
    assert.equal(systemd.calls, []);
    assert.is(await startUnit(command, systemd), undefined);
    assert.equal(systemd.calls, STARTED);
    assert.is(await readFile(path, 'utf8'), renderUnit(command));
    await writeFile(path, othersUnit(theirs));
    assert.is(await stopUnit(own, true, systemd), undefined);
    assert.not.ok((await readdir(systemd.unitDirectory)).includes(UNIT_NAME));
  }
});

test('a unit of which it is not known whose it is stays, as one that was masked', async () => {
  await using systemd = await Noted.create();
  const path = join(systemd.unitDirectory, UNIT_NAME);
  for (const text of ['', '[Service]\nExecStart=/bin/true\n', othersUnit('relative')]) {
    await writeFile(path, text);
    assert.match((await startUnit(COMMAND, systemd)) ?? '', 'is not from flashfreeze');
    assert.match((await stopUnit(COMMAND.directory, true, systemd)) ?? '', 'left alone');
    assert.is(await readFile(path, 'utf8'), text);
  }
  await rm(path);
  await symlink('/dev/null', path);
  assert.match((await startUnit(COMMAND, systemd)) ?? '', 'is not from flashfreeze');
  assert.equal(systemd.calls, []);
});

test('a unit that systemd has never loaded counts as stopped; any other failure of the stop is told', async () => {
  await using systemd = await Noted.create();
  const failing = (code: number): Systemd => ({
    unitDirectory: systemd.unitDirectory,
    systemctl: () => Promise.reject(Object.assign(new Error(`code ${code}`), { code })),
  });
  await stopUnit(COMMAND.directory, false, failing(5));
  await stopUnit(COMMAND.directory, false, failing(1)).then(
    () => assert.unreachable(),
    (error: unknown) => assert.match(String(error), 'code 1'),
  );
});

test('a unit that does not stop stays known', async () => {
  await using systemd = await Noted.create();
  await startUnit(COMMAND, systemd);
  const failing: Systemd = {
    unitDirectory: systemd.unitDirectory,
    systemctl: () => Promise.reject(new Error('it hangs')),
  };
  await stopUnit(COMMAND.directory, false, failing).then(
    () => assert.unreachable(),
    (error: unknown) => assert.match(String(error), 'it hangs'),
  );
  assert.equal((await readdir(systemd.unitDirectory)).sort(), [UNIT_NAME, WANTS]);
});

test.run();
