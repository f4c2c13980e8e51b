import { readdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { enterGuestLab } from '../../src/lab/agent/enter-guest-lab.ts';
import { SecretSearch } from '../../src/lab/agent/secret-search.ts';
import type { SnapshotOrder } from '../../src/lab/host/model.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { suite } from '../suite.ts';
import { assertBlobStatus, assertCommands, telemetry } from './checks.ts';
import { preparePayload } from './payload.ts';
import { PolledGuest, until } from './polling/polled-guest.ts';
import { newTaskId } from './task.ts';
import { TaskBlobs } from './task-blobs.ts';

await enterGuestLab({ lifetimeSeconds: 600 }, preparePayload);

const test = suite('polling service of the extension');

/** Orders a snapshot; fails unless the host is told that it is consistent. */
async function assertTaken(machine: PolledGuest, snapshotId: string): Promise<void> {
  assert.equal(await machine.snapshot({ snapshotId }), { snapshotId, errMsg: '' });
}

test('three rounds, the host restarted, the service restarted, disable stops it; nothing is left', async () => {
  await using machine = await PolledGuest.create();
  const { scene } = machine;
  const task = await machine.settings(true);
  assertCommands(await scene.send(task.settings), ['install', 'enable']);
  await machine.quiet(1);
  await assertBlobStatus(task, 1);

  await assertTaken(machine, 'round-one');
  await machine.restartHost();
  await assertTaken(machine, 'round-two');

  // Again the same goal state: the same process goes on.
  const [before] = machine.services();
  assertCommands(await scene.sendAgain(task.settings), ['enable']);
  await machine.quiet(1);
  assert.is(machine.services()[0]?.pid, before?.pid);

  // It is killed; the agent runs enable again, as it does from time to time.
  process.kill(before?.pid ?? 0, 'SIGKILL');
  await machine.quiet(0);
  assertCommands(await scene.sendAgain(task.settings), ['enable']);
  await machine.quiet(1);
  assert.is.not(machine.services()[0]?.pid, before?.pid);
  await assertTaken(machine, 'round-three');
  assert.equal(await scene.snapshotCounts(), scene.each(1));

  // A newer version takes its place, and knows of the order that the host has not heard the result of.
  const deaf = { kind: 'answer', status: 503, body: '' } as const;
  await machine.host.setFault({ call: 'publish-snapshot', fault: deaf });
  await machine.host.order({ snapshotId: 'unheard' });
  await machine.logged('cannot report the result of snapshot unheard');
  assertCommands(await scene.sendAgain(task.settings, '1.0.0.2'), [
    ...['disable', 'update', 'uninstall', 'install', 'enable'],
  ]);
  await machine.quiet(1);
  assert.match(machine.services()[0]?.commandLine.join(' ') ?? '', '1.0.0.2');
  await machine.host.clearFaults();
  await machine.logged('its result is still to be reported to the host');
  await machine.heard('publish-snapshot', 'unheard');
  const starts = (await machine.host.requests()).filter(
    ({ call, body }) => call === 'start-snapshot' && body.includes('unheard'),
  );
  assert.is(starts.length, 1, 'the order was carried out twice');
  await assertTaken(machine, 'round-four');

  const removed = await scene.agent.remove();
  assertCommands(removed, ['disable', 'uninstall']);
  await scene.settled();
  const asked = (await machine.host.requests()).length;
  await delay(1_000);
  assert.is((await machine.host.requests()).length, asked, 'it still asks');
  assert.equal(
    (await readdir(`${scene.guest.liveRoot}/run`)).filter((name) => /snapshot|flash/.test(name)),
    [],
  );
});

test('a task that does not want it stops it', async () => {
  await using machine = await PolledGuest.create();
  const { scene } = machine;
  await scene.send((await machine.settings(true)).settings);
  await machine.quiet(1);
  await scene.send((await machine.settings(false)).settings);
  await scene.settled();
  assert.equal(machine.services(), []);
});

interface ReportedOrder {
  readonly order: SnapshotOrder;
  readonly taskId: string;
  readonly blobs: TaskBlobs;
  readonly search: SecretSearch;
}

/** An order that names blobs of its own for its report. */
async function reportedOrder(
  { scene }: PolledGuest,
  snapshotId: string,
  kind: 'encrypted' | 'clear',
): Promise<ReportedOrder> {
  const blobKind = kind === 'clear' ? 'block' : 'page';
  const blobs = await TaskBlobs.create(scene.azurite, snapshotId, blobKind);
  const clear = { loggingBlobSasUri: blobs.logsBlobUri, statusBlobSasUri: blobs.statusBlobUri };
  const taskId = newTaskId();
  const signature = (url: string): string => new URL(url).searchParams.get('sig') ?? '';
  return {
    order: {
      snapshotId,
      extensionSettings: {
        public: { taskId },
        protected:
          kind === 'clear' ? clear : await scene.certificate.encrypt(JSON.stringify(clear)),
      },
      ProtectedSettingsCertThumbprint: scene.certificate.thumbprint,
    },
    taskId,
    blobs,
    search: new SecretSearch({
      log: signature(blobs.logsBlobUri),
      status: signature(blobs.statusBlobUri),
    }),
  };
}

/** Where a secret of an order is found that has been carried out: nowhere. */
async function leaks(machine: PolledGuest, { blobs, search }: ReportedOrder): Promise<string[]> {
  const { guest, agent } = machine.scene;
  await runCommand('sync', ['--file-system', ...guest.mountPoints]);
  const texts = {
    log: await machine.log(),
    'log blob': await blobs.log(),
    'status blob': await blobs.statusText(),
    'status file': (await agent.statusText()) ?? '',
    host: JSON.stringify((await machine.host.requests()).map(({ body }) => body)),
  };
  return [
    ...Object.entries(texts).flatMap(([name, text]) =>
      search.inText(text).length > 0 ? [name] : [],
    ),
    ...(await search.inFiles([
      ...guest.mountPoints,
      `${guest.liveRoot}/run`,
      `${guest.liveRoot}/dev/shm`,
      ...guest.blobSources.map(({ imagePath }) => imagePath),
    ])),
    ...search.inProcesses(guest.processes()),
  ];
}

test('an order with scripts is application consistent and reported to the blobs that it names', async () => {
  await using machine = await PolledGuest.polling();
  const { agent } = machine.scene;
  await machine.installScripts();
  const statusFile = await agent.statusText();
  for (const kind of ['encrypted', 'clear'] as const) {
    const ordered = await reportedOrder(machine, kind, kind);
    assert.is((await machine.snapshot(ordered.order)).errMsg, '', await machine.log());
    await until(async () => (await ordered.blobs.log()) !== '', 'log in its blob');
    await until(async () => (await ordered.blobs.statusText()) !== '', 'status in its blob');
    const blob = await assertBlobStatus({ ...ordered, settings: '' }, 0);
    assert.is(telemetry(blob, 'consistencyType'), 'applicationConsistent');
    assert.is(telemetry(blob, 'snapshotCreator'), 'backupHostService');
    assert.is(telemetry(blob, 'hostStatusCodeDoSnapshot'), '200');
    assert.equal(
      blob.status.snapshotInfo?.map(({ isSuccessful }) => isSuccessful),
      [true],
    );
    const log = await ordered.blobs.log();
    assert.match(log, new RegExp(`the host wants snapshot ${kind} of every disk`));
    assert.match(log, new RegExp(`snapshot ${kind} is consistent, [\\d.]+ ms`));
    // This order's alone.
    assert.not.match(log, 'the polling service begins');
    assert.is(log.match(/the host wants/g)?.length, 1);
    assert.equal(await leaks(machine, ordered), []);
    assert.ok(ordered.search.inText(ordered.blobs.logsBlobUri).length > 0, 'it finds nothing');
  }
  assert.is(await machine.traced(), 'pre post pre post');
  assert.is(await agent.statusText(), statusFile, 'the status of the task is another matter');

  // Encrypted for somebody else: it is carried out all the same.
  const foreign = await reportedOrder(machine, 'foreign', 'encrypted');
  const thumbprint = '0123456789ABCDEF0123456789ABCDEF01234567';
  const order = { ...foreign.order, ProtectedSettingsCertThumbprint: thumbprint };
  assert.is((await machine.snapshot(order)).errMsg, '');
  await until(
    async () => (await machine.log()).includes('ignoring extensionSettings.protected'),
    'warning',
  );
  assert.is(await foreign.blobs.statusText(), '');
  assert.equal(await leaks(machine, foreign), []);
});

test('a service that is killed while everything is frozen leaves nothing frozen and nothing owed, nor does one that is told to end', async () => {
  await using machine = await PolledGuest.polling();
  const { scene, host } = machine;
  await machine.installScripts();
  await host.setFault({ call: 'start-snapshot', fault: { kind: 'no-answer' } });
  await host.order({ snapshotId: 'torn' });
  await machine.request('start-snapshot', ({ body }) => body.includes('torn'));
  const [service] = machine.services();
  process.kill(service?.pid ?? 0, 'SIGKILL');
  await machine.quiet(0);
  assert.equal(await scene.guest.thawAll(), []);
  assert.is(await machine.traced(), 'pre');
  await host.clearFaults();

  // The agent runs enable again; the host repeats what it has not heard of.
  assertCommands(await machine.repeatGoalState(), ['enable']);
  const torn = await machine.told('publish-snapshot', 'torn');
  assert.match(torn.errMsg, 'ended while it handled this order');
  assert.is(torn.error?.code, '2');
  assert.is(await machine.traced(), 'pre post');
  await assertTaken(machine, 'whole');
  assert.is(await machine.traced(), 'pre post pre post');

  await host.setFault({ call: 'start-snapshot', fault: { kind: 'no-answer' } });
  await host.order({ snapshotId: 'held' });
  await machine.request('start-snapshot', ({ body }) => body.includes('held'));
  process.kill(machine.services()[0]?.pid ?? 0, 'SIGTERM');
  assert.match((await machine.told('publish-snapshot', 'held')).errMsg, 'Ended by SIGTERM');
  await scene.settled();
  assertCommands(await scene.agent.remove(), ['disable', 'uninstall']);
  assert.is(await machine.traced(), 'pre post pre post pre post');
  assert.equal(
    (await readdir(`${scene.guest.liveRoot}/run`)).filter((name) => /snapshot|flash/.test(name)),
    [],
  );
});

test.run();
