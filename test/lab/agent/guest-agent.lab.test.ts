import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { enterGuestLab } from '../../../src/lab/agent/enter-guest-lab.ts';
import { Guest } from '../../../src/lab/agent/guest.ts';
import { type GoalStateOutcome, GuestAgent } from '../../../src/lab/agent/guest-agent.ts';
import { runHandlerCommand } from '../../../src/lab/agent/handler-command.ts';
import type { CommandName } from '../../../src/lab/agent/handler-package.ts';
import { runCommand } from '../../../src/lab/run-command.ts';
import { inTime } from '../../in-time.ts';
import { suite } from '../../suite.ts';
import { zipSmallPayload } from './fixtures/small-payload.ts';

await enterGuestLab({ lifetimeSeconds: 600 });

const test = suite('lab guest agent');
const VERSIONS = ['1.0.0.1', '1.0.0.2'] as const;

/** A guest without data disks and an agent that has installed nothing. */
class Scene implements AsyncDisposable {
  readonly guest: Guest;
  readonly agent: GuestAgent;

  private constructor(guest: Guest) {
    this.guest = guest;
    this.agent = new GuestAgent(guest, { environment: { EXTRA: 'from a drop-in' } });
  }

  static async create(): Promise<Scene> {
    return new Scene(await Guest.create([]));
  }

  async apply(version: string, sequenceNumber: number, settings = ''): Promise<GoalStateOutcome> {
    await mkdir('/lab/packages', { recursive: true });
    const packagePath = await zipSmallPayload('/lab/packages', version);
    return await this.agent.apply({ packagePath, sequenceNumber, settings });
  }

  /** Shell that the payload executes in that command. */
  async wish(command: CommandName, shell: string): Promise<void> {
    await writeFile(this.guest.path(`/tmp/wish.${command}`), shell);
  }

  /** How the payload was called: a line for each call. */
  async calls(): Promise<string[]> {
    const text = await readFile(this.guest.path('/tmp/calls'), 'utf8');
    return text.trim().split('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.guest[Symbol.asyncDispose]();
  }
}

function names({ commands }: GoalStateOutcome): string[] {
  return commands.map(({ name, exitCode }) => `${name} ${exitCode}`);
}

test('installs and enables, enables again on every goal state, and removes', async () => {
  await using scene = await Scene.create();
  const first = await scene.apply(VERSIONS[0], 3, '{"a": 1}');
  assert.equal([names(first), first.handler], [['install 0', 'enable 0'], 'ready']);
  const again = await scene.apply(VERSIONS[0], 3, '{"a": 1}');
  assert.equal(names(again), ['enable 0']);
  const { directory } = scene.agent.folders;
  assert.equal(await scene.agent.report(), { kind: 'waiting' });
  const removed = await scene.agent.remove();
  assert.equal(names(removed), ['disable 0', 'uninstall 0']);
  assert.equal(existsSync(scene.guest.path(directory)), false);
  const calls = await scene.calls();
  assert.match(calls[1] ?? '', `enable version=1.0.0.1 sequence=3 directory=${directory} `);
  assert.match(calls[1] ?? '', 'settings={"a": 1}');
  assert.match(calls[3] ?? '', 'disable version=1.0.0.1 sequence=0');
});

test('upgrades in order, with the new sequence number for both versions and only mrseq and status carried over', async () => {
  await using scene = await Scene.create();
  await scene.apply(VERSIONS[0], 0);
  const old = scene.agent.folders;
  await writeFile(scene.guest.path(old.status, '0.status'), '[]');
  await writeFile(scene.guest.path(old.directory, 'other'), '');
  const outcome = await scene.apply(VERSIONS[1], 1, '{}');
  assert.equal(names(outcome), ['disable 0', 'update 0', 'uninstall 0', 'install 0', 'enable 0']);
  const calls = (await scene.calls()).slice(2);
  assert.match(calls[0] ?? '', 'disable version=1.0.0.1 sequence=1');
  assert.match(calls[0] ?? '', /settings=$/);
  assert.match(calls[1] ?? '', 'update version=1.0.0.2 sequence=1');
  assert.match(calls[1] ?? '', 'from=1.0.0.1 new=1.0.0.2 disabled=0 uninstalled=NOT_RUN');
  assert.match(calls[2] ?? '', 'uninstall version=1.0.0.1');
  assert.match(calls[3] ?? '', 'install version=1.0.0.2');
  assert.match(calls[3] ?? '', 'uninstalled=0');
  assert.equal(existsSync(scene.guest.path(old.directory)), false);
  const now = scene.agent.folders;
  assert.equal(await readdir(scene.guest.path(now.status)), ['0.status']);
  assert.equal(existsSync(scene.guest.path(now.directory, 'other')), false);
});

test('goes back to an older version by update of the newer one, which is told the older one twice', async () => {
  await using scene = await Scene.create();
  await scene.apply('1.0.0.10', 0);
  const newer = scene.agent.folders;
  const outcome = await scene.apply('1.0.0.9', 1);
  assert.equal(names(outcome), ['disable 0', 'update 0', 'uninstall 0', 'install 0', 'enable 0']);
  const calls = (await scene.calls()).slice(2);
  assert.equal(
    calls.map((call) => call.split(' ').slice(0, 2).join(' ')),
    [
      ...['disable version=1.0.0.10', 'update version=1.0.0.10', 'uninstall version=1.0.0.10'],
      ...['install version=1.0.0.9', 'enable version=1.0.0.9'],
    ],
  );
  assert.match(calls[1] ?? '', 'from=1.0.0.9 new=1.0.0.9 disabled=0 uninstalled=NOT_RUN');
  assert.equal(existsSync(scene.guest.path(newer.directory)), false);
  assert.match(scene.agent.folders.directory, /-1\.0\.0\.9$/);
});

test('a failing disable blocks the upgrade and the removal, a failing install leaves it not installed', async () => {
  await using scene = await Scene.create();
  await scene.wish('install', 'exit 3');
  const refused = await scene.apply(VERSIONS[0], 0);
  assert.equal([names(refused), refused.handler], [['install 3'], 'notInstalled']);
  await scene.wish('install', '');
  await scene.wish('enable', 'exit 4');
  assert.is((await scene.apply(VERSIONS[0], 0)).handler, 'notReady');
  await scene.wish('disable', 'exit 5');
  assert.equal(names(await scene.apply(VERSIONS[1], 1)), ['disable 5']);
  assert.equal(names(await scene.agent.remove()), ['disable 5']);
});

test('gives commands a minimal environment, and output files without a name on the root file system', async () => {
  await using scene = await Scene.create();
  await scene.wish('enable', 'printf "%04000d" 0; echo more >&2');
  const { commands } = await scene.apply(VERSIONS[0], 0);
  assert.is(commands[1]?.output.length, 3_200);
  const environment = await readFile(scene.guest.path('/tmp/environment.enable'), 'utf8');
  const variables = environment
    .trim()
    .split('\n')
    .map((line) => line.split('=')[0])
    .sort();
  assert.equal(variables, [
    ...['AZURE_GUEST_AGENT_EXTENSION_PATH', 'AZURE_GUEST_AGENT_EXTENSION_VERSION'],
    ...['AZURE_GUEST_AGENT_WIRE_PROTOCOL_ADDRESS', 'ConfigSequenceNumber', 'EXTRA', 'LANG'],
    ...['PATH', 'PWD'],
  ]);
  const streams = await readFile(scene.guest.path('/tmp/streams.enable'), 'utf8');
  for (const stream of streams.trim().split('\n')) {
    assert.match(stream, /\/var\/lib\/waagent\/Lab\.SmallPayload-1\.0\.0\.1\/.* \(deleted\)$/);
  }
});

test('a command that outlives its time is killed with its group, but not what has a session of its own', async () => {
  await using guest = await Guest.create([]);
  const script = '#!/bin/sh\nsetsid sleep 1000 &\nsleep 2000 &\nsleep 3000\n';
  await writeFile(guest.path('/opt/slow'), script, { mode: 0o755 });
  await inTime(
    0.5,
    async (limitS) => {
      const outcome = await runHandlerCommand(guest, {
        name: 'enable',
        command: 'slow',
        directory: '/opt',
        environment: { PATH: '/usr/bin:/bin' },
        limitMs: limitS * 1_000,
      });
      assert.is(outcome.exitCode, undefined);
      while (guest.processes().length > 1) {
        await delay(10);
      }
    },
    () => guest.processes().length > 0,
  );
  assert.equal(
    guest.processes().map(({ commandLine }) => commandLine),
    [['sleep', '1000']],
  );
});

test('refuses a package whose command has no run bit', async () => {
  await using scene = await Scene.create();
  const packagePath = await zipSmallPayload('/lab', VERSIONS[0], '644');
  try {
    await scene.agent.apply({ packagePath, sequenceNumber: 0, settings: '' });
    assert.unreachable();
  } catch (error) {
    assert.match(String(error), 'run bit');
  }
});

test('the guest has its own root, disks and processes, and no Node, compiler or python', async () => {
  await using guest = await Guest.create([{ type: 'xfs' }]);
  const shell =
    'cat /proc/mounts; ls /bin /usr/bin /usr/local/bin; ls -d /proc/[0-9]*; sleep 1000 & sleep 1000 &';
  const child = guest.spawn(['sh', '-c', shell], {
    directory: '/',
    environment: { PATH: '/usr/bin:/bin' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let seen = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    seen += chunk.toString();
  });
  while (!(seen.includes('/proc/1') && guest.processes().length >= 2)) {
    await delay(10);
  }
  const mounts = seen.split('\n').filter((line) => /^\/dev\/loop/.test(line));
  assert.equal(
    mounts.map((line) => line.split(' ').slice(1, 3).join(' ')),
    ['/ ext4', '/data/disk0 xfs'],
  );
  assert.match(seen, /^openssl$/m);
  assert.not.match(seen, /^(node|nodejs|cc|gcc|python3?)$/m);
  // One that is just being started still has the command line of who starts it.
  while (guest.processes().some(({ commandLine }) => !/^$|sleep|sh/.test(commandLine.join(' ')))) {
    await delay(10);
  }
  await guest.reboot();
  assert.equal(guest.processes(), []);
});

test('a power cut ends a writer that a freeze blocks, and nothing stays frozen', async () => {
  await using guest = await Guest.create([]);
  guest.spawn(['sh', '-c', 'echo up >/dev/shm/up; while :; do echo x >/tmp/x; done'], {
    directory: '/',
    environment: { PATH: '/usr/bin:/bin' },
    stdio: 'ignore',
  });
  while (!existsSync(`${guest.liveRoot}/dev/shm/up`)) {
    await delay(10);
  }
  await runCommand('fsfreeze', ['--freeze', guest.rootDisk.mountPoint]);
  await guest.powerOff();
  assert.equal(await guest.thawAll(), []);
  await writeFile(guest.path('/tmp/after'), '');
});

test.run();
