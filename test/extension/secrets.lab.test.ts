import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { enterGuestLab } from '../../src/lab/agent/enter-guest-lab.ts';
import type { GoalStateOutcome } from '../../src/lab/agent/guest-agent.ts';
import { madeUpSecret, SecretSearch } from '../../src/lab/agent/secret-search.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { suite } from '../suite.ts';
import { assertCommands } from './checks.ts';
import { startDiskServer } from './disk-server.ts';
import { preparePayload } from './payload.ts';
import { Scene, type Task } from './scene.ts';
import { encode } from './task.ts';

await enterGuestLab({ lifetimeSeconds: 600 }, preparePayload);

const test = suite('secrets of the extension');
const DISKS = [{ type: 'ext4', sizeMb: 32 }] as const;
/** Long enough for many looks at what runs while everything is frozen. */
const LATENCY_MS = 700;

interface SecretTask extends Task {
  readonly search: SecretSearch;
}

/** A task with every kind of secret there is. */
async function secretTask(scene: Scene, urls: readonly string[]): Promise<SecretTask> {
  const { blobs } = await scene.task();
  const token = madeUpSecret('token');
  const objectStr = encode({ blobSASUri: urls });
  const task = await scene.task({
    protectedSettings: {
      kind: 'encrypted',
      value: {
        objectStr,
        statusBlobUri: blobs.statusBlobUri,
        logsBlobUri: blobs.logsBlobUri,
        snapshotTaskToken: token,
      },
    },
  });
  const signature = (url: string): string => new URL(url).searchParams.get('sig') ?? '';
  const search = new SecretSearch({
    token,
    'status blob': signature(blobs.statusBlobUri),
    'log blob': signature(blobs.logsBlobUri),
    ...Object.fromEntries(urls.map((url, index) => [`disk ${index}`, signature(url)])),
  });
  return { ...task, blobs, search };
}

/** Sends the task and looks at everything that runs in the guest, again and again until nothing does. */
async function sendWatched(scene: Scene, task: SecretTask): Promise<Watched> {
  const found = new Set<string>();
  let processes = 0;
  const state: { outcome: GoalStateOutcome | undefined } = { outcome: undefined };
  const sent = scene.send(task.settings).then((outcome) => {
    state.outcome = outcome;
    return outcome;
  });
  for (;;) {
    const isLast = state.outcome !== undefined;
    const running = scene.guest.processes();
    processes = Math.max(processes, running.length);
    for (const place of task.search.inProcesses(running)) {
      found.add(place);
    }
    if (isLast && running.length === 0) {
      return { outcome: await sent, found: [...found], processes };
    }
    await delay(5);
  }
}

interface Watched {
  readonly outcome: GoalStateOutcome;
  readonly found: readonly string[];
  readonly processes: number;
}

/** Everything that holds what the run has written: files, what was deleted, what was reported. */
async function searchEverything(
  scene: Scene,
  task: SecretTask,
  outcome: GoalStateOutcome,
): Promise<string[]> {
  const { guest, agent } = scene;
  await runCommand('sync', ['--file-system', ...guest.mountPoints]);
  const texts = {
    output: outcome.commands.map(({ output }) => output).join('\n'),
    'status blob': await task.blobs.statusText(),
    'log blob': await task.blobs.log(),
    'agent report': JSON.stringify(await agent.report()),
    events: JSON.stringify(await agent.collectEvents()),
  };
  const files = await task.search.inFiles([
    ...guest.mountPoints,
    `${guest.liveRoot}/run`,
    `${guest.liveRoot}/dev/shm`,
    ...guest.blobSources.map(({ imagePath }) => imagePath),
  ]);
  const said = Object.entries(texts).filter(([, text]) => task.search.inText(text).length > 0);
  return [...files, ...said.map(([name]) => name)];
}

test('none gets out of a good run: not into a file, a snapshot, a log, an event, a title or an environment', async () => {
  await using scene = await Scene.create({ disks: DISKS });
  await using server = await startDiskServer(scene, LATENCY_MS, 'copy');
  const task = await secretTask(scene, server.urls);
  const { outcome, found, processes } = await sendWatched(scene, task);
  assertCommands(outcome, ['install', 'enable']);
  assert.equal(found, []);
  // The worker and its guardian, beside the agent's command.
  assert.ok(processes >= 2, `only ${processes} processes seen`);
  await scene.settled();
  assert.is((await task.blobs.status())?.status.code, '1');
  assert.equal(await searchEverything(scene, task, outcome), []);
  const copies = await Promise.all(
    scene.guest.blobSources.map((_, index) => server.snapshots(`disk${index}`)),
  );
  const images = copies.flat().flatMap(({ imagePath }) => imagePath ?? []);
  assert.is(images.length, 2);
  assert.equal(await task.search.inFiles(images), []);
});

test('none gets out of a run that fails', async () => {
  await using scene = await Scene.create({ disks: DISKS });
  await using server = await startDiskServer(scene, LATENCY_MS, 'copy');
  const expired = server.sasUrl('disk1', { expires: new Date(0) });
  const missing = (server.urls[0] ?? '').replace('disk0', 'nowhere');
  const unreachable = (server.urls[0] ?? '').replace(/:\d+/, ':9');
  for (const url of [expired, missing, unreachable]) {
    const task = await secretTask(scene, [server.urls[0] ?? '', url]);
    const { outcome, found } = await sendWatched(scene, task);
    assert.equal(found, []);
    await scene.settled();
    const code = (await task.blobs.status())?.status.code;
    assert.ok(code !== undefined && code !== '1' && code !== '4', `code ${code}`);
    assert.equal(await searchEverything(scene, task, outcome), []);
  }
});

test('the search finds what a careless run would leave', async () => {
  await using scene = await Scene.create({ disks: DISKS });
  const [url = ''] = scene.diskUrls;
  const search = new SecretSearch({ disk: new URL(url).searchParams.get('sig') ?? '' });
  await scene.inGuest(
    `echo '${url}' >/tmp/deleted; sync; rm /tmp/deleted; echo '${url}' >/run/kept`,
  );
  const images = scene.guest.blobSources.map(({ imagePath }) => imagePath);
  await runCommand('sync', ['--file-system', ...scene.guest.mountPoints]);
  const found = await search.inFiles([...images, `${scene.guest.liveRoot}/run`]);
  assert.equal(found, [images[0], `${scene.guest.liveRoot}/run/kept`]);
  scene.guest.spawn(['sh', '-c', 'sleep 1000', url], {
    directory: '/',
    environment: { PATH: '/usr/bin:/bin' },
    stdio: 'ignore',
  });
  while (scene.guest.processes().length === 0) {
    await delay(5);
  }
  assert.ok(search.inProcesses(scene.guest.processes()).length > 0);
  assert.match(await readFile(`${scene.guest.liveRoot}/run/kept`, 'utf8'), 'sig=');
});

test.run();
