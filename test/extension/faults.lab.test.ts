import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { enterGuestLab } from '../../src/lab/agent/enter-guest-lab.ts';
import { writeIdentity } from '../../src/lab/agent/extension-folders.ts';
import type { Guest } from '../../src/lab/agent/guest.ts';
import type { GuestProcess } from '../../src/lab/agent/guest-processes.ts';
import type { LoggedRequest } from '../../src/lab/blob-server/model.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { errnoOf } from '../../src/system/errno.ts';
import { suite } from '../suite.ts';
import { assertBlobStatus, assertCommands, assertReported } from './checks.ts';
import { startDiskServer, untilFrozen } from './disk-server.ts';
import { preparePayload } from './payload.ts';
import { Scene } from './scene.ts';
import { startSilentServer } from './silent-server.ts';

await enterGuestLab({ lifetimeSeconds: 600 }, preparePayload);

const test = suite('extension on a machine with troubles');
const DISKS = [{ type: 'ext4' }] as const;
/** Of the server: nothing is thawed before the power is cut. */
const SLOW_MS = 600_000;

test('enables started at the same time make one snapshot, also with two numbers for the same task', async () => {
  await using scene = await Scene.create({ disks: DISKS });
  assertCommands(await scene.send((await scene.task()).settings), ['install', 'enable']);
  await scene.settled();
  for (let round = 2; round <= 4; round += 1) {
    const task = await scene.task();
    const outcomes = await Promise.all([
      scene.send(task.settings).then(({ commands }) => commands[0]),
      ...Array.from({ length: 3 }, () => scene.agent.enableAgain()),
    ]);
    assert.ok(
      outcomes.every((outcome) => outcome?.exitCode === 0),
      outcomes.map((outcome) => outcome?.output).join('\n'),
    );
    await scene.settled();
    assert.equal(await scene.snapshotCounts(), scene.each(round));
    await assertBlobStatus(task, 1);
    assert.is((await assertReported(scene, 1)).status, 'success');
  }
  const task = await scene.task();
  await Promise.all([scene.send(task.settings), scene.send(task.settings)]);
  await scene.settled();
  assert.equal(await scene.snapshotCounts(), scene.each(5));
});

test('after a reboot nothing is snapshotted again, but a restored machine forgets what the one did that it is a copy of', async () => {
  await using scene = await Scene.create({ disks: DISKS });
  const task = await scene.task();
  await scene.send(task.settings);
  await scene.settled();
  await scene.guest.reboot();
  assertCommands(await scene.sendAgain(task.settings), ['enable']);
  await scene.settled();
  assert.equal(await scene.snapshotCounts(), scene.each(1));
  assert.is((await assertReported(scene, 1)).status, 'success');
  await writeIdentity(scene.guest, 'ffffffff-0000-4000-8000-000000000001');
  const next = await scene.task();
  assertCommands(await scene.sendAgain(next.settings), ['enable']);
  await scene.settled();
  await assertBlobStatus(next, 1);
  assert.equal(await scene.snapshotCounts(), scene.each(2));
  // Negative control: now the same number is a repetition again.
  await scene.sendAgain((await scene.task()).settings);
  await scene.settled();
  assert.equal(await scene.snapshotCounts(), scene.each(2));
});

test('a power cut while everything is frozen: nothing stays frozen, and the next task works', async () => {
  await using scene = await Scene.create({ disks: DISKS });
  await using server = await startDiskServer(scene, SLOW_MS);
  const task = await scene.task({ blobs: server.urls });
  const sent = scene.send(task.settings);
  await untilFrozen(scene, server, sent);
  await scene.guest.powerOff();
  await sent;
  const requested = (await server.requests()).filter(isSnapshot).length;
  await scene.guest.boot();
  assertCommands(await scene.sendAgain(task.settings), ['enable']);
  await scene.settled();
  assert.is((await server.requests()).filter(isSnapshot).length, requested);
  const report = await scene.agent.report();
  assert.ok(report.kind === 'reported' && report.status !== 'transitioning');
  const next = await scene.task();
  assertCommands(await scene.send(next.settings), ['enable']);
  await scene.settled();
  await assertBlobStatus(next, 1);
});

function isSnapshot({ operation }: LoggedRequest): boolean {
  return operation === 'snapshot';
}

/** Leaves no room on the guest's root for a single byte more. */
async function fillRoot(guest: Guest): Promise<void> {
  const shown = await runCommand('df', ['--output=avail', '-B1', guest.path('/')]);
  const most = Number(shown.split('\n')[1]) - 16 * 2 ** 20;
  await runCommand('fallocate', ['--length', String(most), guest.path('/var/fill.most')]);
  // The rest is taken block by block, and what a folder still has room for by files of no length.
  const fillUp = `
    dd if=/dev/zero of="$1/fill.rest" bs=4096 2>/dev/null
    while printf x >"$1/fill.$n" 2>/dev/null; do n=$((n + 1)); done; true`;
  await runCommand('sh', ['-c', fillUp, 'sh', guest.path('/var')]);
}

async function emptyRoot(guest: Guest): Promise<void> {
  await runCommand('sh', ['-c', 'rm -f "$1"/fill*', 'sh', guest.path('/var')]);
}

test('a full disk costs neither the snapshots nor half a file nor a second snapshot, and does not keep the extension from being removed', async () => {
  await using scene = await Scene.create({ disks: DISKS });
  const { guest, agent } = scene;
  assertCommands(await scene.send((await scene.task()).settings), ['install', 'enable']);
  await scene.settled();
  const task = await scene.task();
  const path = guest.path(agent.folders.config, '1.settings');
  await writeFile(path, task.settings, { mode: 0o600 });
  await fillRoot(guest);
  const { exitCode, output } = await scene.sendNumberOnly();
  assert.is(exitCode, 0, output);
  await scene.settled();
  await assertBlobStatus(task, 1);
  assert.equal(await scene.snapshotCounts(), scene.each(2));
  assert.is((await agent.enableAgain()).exitCode, 0);
  await scene.settled();
  for (const name of await readdir(guest.path(agent.folders.status))) {
    JSON.parse(await readFile(guest.path(agent.folders.status, name), 'utf8'));
  }
  assert.equal(await scene.snapshotCounts(), scene.each(2));
  await emptyRoot(guest);
  await scene.sendAgain(task.settings);
  await scene.settled();
  assert.equal(await scene.snapshotCounts(), scene.each(2));
  const report = await agent.report();
  assert.is(report.kind, 'reported');
  await fillRoot(guest);
  assertCommands(await agent.remove(), ['disable', 'uninstall']);
});

test('a disk that was full at enable and is freed during the task: the agent sees the task end', async () => {
  await using scene = await Scene.create({ disks: DISKS });
  const { guest, agent } = scene;
  assertCommands(await scene.send((await scene.task()).settings), ['install', 'enable']);
  await scene.settled();
  // The disk is freed long before the freeze: until the thaw, nothing can be deleted from it.
  const task = await scene.task({ scheduledMinutesAgo: -20 / 60 });
  const path = guest.path(agent.folders.config, '1.settings');
  await writeFile(path, task.settings, { mode: 0o600 });
  await fillRoot(guest);
  const { exitCode, output } = await scene.sendNumberOnly();
  assert.is(exitCode, 0, output);
  assert.not.ok((await readdir(guest.path(agent.folders.status))).includes('1.status'));
  await emptyRoot(guest);
  await scene.settled();
  await assertBlobStatus(task, 1);
  await assertReported(scene, 1);
});

test('a configuration folder that cannot be written to stops nothing', async () => {
  await using scene = await Scene.create({ disks: DISKS });
  const { guest, agent } = scene;
  assertCommands(await scene.send((await scene.task()).settings), ['install', 'enable']);
  await scene.settled();
  const task = await scene.task();
  const { config } = agent.folders;
  await writeFile(guest.path(config, '1.settings'), task.settings, { mode: 0o600 });
  await scene.inGuest(`mount --bind ${config} ${config} && mount -o remount,bind,ro ${config}`);
  const outcome = await scene.sendNumberOnly();
  assert.is(outcome.exitCode, 0, outcome.output);
  await scene.settled();
  await assertBlobStatus(task, 1);
  await assertReported(scene, 1);
  assert.equal(await scene.snapshotCounts(), scene.each(2));
  await scene.inGuest(`umount ${config}`);
});

test('an extension that has lost its HandlerEnvironment.json says so, and can be removed', async () => {
  await using scene = await Scene.create({ disks: DISKS });
  const { guest, agent } = scene;
  assertCommands(await scene.send((await scene.task()).settings), ['install', 'enable']);
  await scene.settled();
  await writeFile(guest.path(agent.folders.directory, 'HandlerEnvironment.json'), '[{"name"');
  assertCommands(await scene.send((await scene.task()).settings), ['enable']);
  await scene.settled();
  assert.match((await assertReported(scene, 12)).message ?? '', 'HandlerEnvironment.json');
  const statuses = await readdir(guest.path(agent.folders.status));
  assert.equal(statuses.sort(), ['0_status', '1.status']);
  assert.equal(await scene.snapshotCounts(), scene.each(1));
  assertCommands(await agent.remove(), ['disable', 'uninstall']);
});

test('disable and uninstall end a run that waits for its start', async () => {
  await using scene = await Scene.create({ disks: DISKS });
  const future = await scene.task({ scheduledMinutesAgo: -10 });
  assertCommands(await scene.send(future.settings), ['install', 'enable']);
  assert.ok(scene.guest.processes().length > 0, 'the run was over too soon');
  assertCommands(await scene.agent.remove(), ['disable', 'uninstall']);
  // Long before the start that it waited for.
  await scene.settled();
  assert.equal(await scene.snapshotCounts(), scene.each(0));
});

/** The end of the command line of a run. */
const RUN = 'extension run';

/** To those that have not ended meanwhile. */
function sendSignal(processes: readonly GuestProcess[], signal: NodeJS.Signals): void {
  for (const { pid } of processes) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      assert.is(errnoOf(error), 'ESRCH');
    }
  }
}

test('a shutdown while everything is frozen: thawed at once, whatever the server does, and reported', async () => {
  await using scene = await Scene.create({ disks: DISKS });
  await using server = await startDiskServer(scene, 0);
  for (const blob of ['disk0', 'disk1']) {
    await server.setFault({ blob, at: 'request', fault: { kind: 'no-answer', handled: false } });
  }
  const task = await scene.task({ blobs: server.urls });
  const sent = scene.send(task.settings);
  await untilFrozen(scene, server, sent);
  // A shutdown ends processes in any order. In the hardest one the guardian has thawed before the run hears of it.
  const processes = scene.guest.processes();
  const guardian = processes.find(({ commandLine: [program = ''] }) =>
    program.endsWith('flashfreeze-guardian'),
  );
  assert.ok(guardian !== undefined, 'no guardian runs');
  // Only the run: the command that began it may still be there, and the lab's process that waits for that one stops with it.
  const run = processes.filter(({ commandLine }) => commandLine.slice(-2).join(' ') === RUN);
  assert.is(run.length, 1, 'no run, or several');
  sendSignal(run, 'SIGSTOP');
  sendSignal([guardian], 'SIGTERM');
  while (scene.guest.processes().some(({ pid }) => pid === guardian.pid)) {
    await delay(10);
  }
  // It waits for the run to go on: otherwise the run could end for want of its guardian before the signal comes.
  sendSignal(run, 'SIGTERM');
  sendSignal(run, 'SIGCONT');
  await sent;
  await scene.settled();
  // The requests' time-out would end it, too, but later and with other words.
  const log = await task.blobs.log();
  assert.match(log, 'SIGTERM', log);
  const code = (await task.blobs.status())?.status.code;
  assert.ok(code !== undefined && code !== '1' && code !== '4', `code ${code}`);
  const report = await scene.agent.report();
  assert.is(report.kind === 'reported' && report.code, code);
});

test('a success that was reported stays one if the worker is killed while it sends its log', async () => {
  await using scene = await Scene.create({ disks: DISKS });
  await using silent = await startSilentServer();
  const task = await scene.task({ logsBlobUri: silent.url });
  assertCommands(await scene.send(task.settings), ['install', 'enable']);
  while ((await task.blobs.status())?.status.code !== '1') {
    await delay(20);
  }
  // The status file, and the note that the task is finished, follow the blob; the upload of the log would take a minute.
  const unfinished = scene.guest.path(scene.agent.folders.directory, 'unfinished');
  while (existsSync(unfinished)) {
    await delay(20);
  }
  const workers = scene.guest.processes();
  assert.ok(workers.length > 0, 'the worker has ended already');
  sendSignal(workers, 'SIGKILL');
  await scene.settled();
  assert.is((await scene.agent.enableAgain()).exitCode, 0);
  await scene.settled();
  await assertBlobStatus(task, 1);
  await assertReported(scene, 1);
  assert.equal(await scene.snapshotCounts(), scene.each(1));
});

/** Whether the run was still waiting for its start when its directory was deleted. */
async function deleteDuringRun(secondsToStart: number): Promise<boolean> {
  await using scene = await Scene.create({ disks: DISKS });
  const task = await scene.task({ scheduledMinutesAgo: -secondsToStart / 60 });
  assertCommands(await scene.send(task.settings), ['install', 'enable']);
  const isRunning = scene.guest.processes().length > 0;
  await scene.agent.forget();
  await scene.settled();
  assert.ok((await scene.snapshotCounts()).every((count) => count <= 1));
  return isRunning;
}

test('deleting the directory during a run leaves nothing frozen', async () => {
  for (let seconds = 8; !(await deleteDuringRun(seconds)); seconds *= 2) {
    assert.ok(seconds < 100, 'the run was always over too soon');
  }
});

test.run();
