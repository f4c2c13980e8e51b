import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import { enterGuestLab } from '../../src/lab/agent/enter-guest-lab.ts';
import type { GuestProcess } from '../../src/lab/agent/guest-processes.ts';
import { suite } from '../suite.ts';
import { assertCommands } from './checks.ts';
import { startDiskServer, untilFrozen } from './disk-server.ts';
import { preparePayload } from './payload.ts';
import { Scene } from './scene.ts';

await enterGuestLab({ lifetimeSeconds: 600 }, preparePayload);

const test = suite('extension on a machine whose root was left frozen');
const DISKS = [{ type: 'ext4' }] as const;
/** Of the server: nothing is thawed before the run is dead. */
const SLOW_MS = 600_000;
/** A command that waits for a frozen file system waits for ever. */
const COMMAND_LIMIT_MS = 120_000;

/** A guest in which a run has died together with its guardian, while everything was frozen. */
async function withEverythingFrozen(use: (scene: Scene) => Promise<void>): Promise<void> {
  await using scene = await Scene.create({ disks: DISKS });
  await using server = await startDiskServer(scene, SLOW_MS);
  const task = await scene.task({ blobs: server.urls });
  const sent = scene.send(task.settings);
  await untilFrozen(scene, server, sent);
  assertCommands(await sent, ['install', 'enable']);
  const running = scene.guest.processes();
  const guardians = running.filter(isGuardian);
  assert.is(guardians.length, 1);
  // Stopped first: else the guardian could be quicker than its own death.
  for (const { pid } of guardians) {
    process.kill(pid, 'SIGSTOP');
  }
  for (const { pid } of running) {
    process.kill(pid, 'SIGKILL');
  }
  await use(scene);
  assert.equal(await scene.guest.thawAll(), [], 'left frozen');
}

function isGuardian({ commandLine: [program = ''] }: GuestProcess): boolean {
  return program.includes('guardian');
}

/** Runs the payload's own launcher; its exit code and what it said. Thaws and rejects if it hangs. */
async function launch(
  { guest, agent, sequenceNumber }: Scene,
  args: readonly string[],
): Promise<string> {
  const { directory } = agent.folders;
  const child = guest.spawn([`${directory}/flashfreeze`, ...args], {
    directory: '/',
    environment: {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      AZURE_GUEST_AGENT_EXTENSION_PATH: directory,
      AZURE_GUEST_AGENT_EXTENSION_VERSION: '1.0.0.1',
      ConfigSequenceNumber: String(sequenceNumber),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let hung: readonly string[] | undefined;
  const limit = setTimeout(async () => {
    hung = await guest.thawAll();
  }, COMMAND_LIMIT_MS);
  const said = text(child.stdout as Readable);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearTimeout(limit);
  assert.is(hung, undefined, `waited for ${hung?.join(', ')}`);
  return `${code}: ${await said}`;
}

for (const [name, args] of [
  ['the emergency exit', ['thaw', '--all']],
  ['the next enable', ['extension', 'enable']],
] as const) {
  test(`${name} thaws it`, async () => {
    await withEverythingFrozen(async (scene) => {
      assert.match(await launch(scene, args), /^0: /);
    });
  });
}

test.run();
