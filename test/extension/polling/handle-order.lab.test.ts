import { once } from 'node:events';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { JOURNAL_DIRECTORY } from '../../../src/backup/journal/journal.ts';
import { SCRIPT_PLUGIN_PATH } from '../../../src/config/plugin-host.ts';
import { readOrderNote, writeOrderNote } from '../../../src/extension/polling/order-note.ts';
import { WIRE_SERVER_ADDRESS } from '../../../src/lab/host/lab-host.ts';
import { enterLab } from '../../../src/lab/namespace.ts';
import { RunningCommand } from '../../faults/running-command.ts';
import { FrozenWorker, gone, stop } from '../../freezer/frozen-worker.ts';
import { ScriptFiles } from '../../quiesce/scripts/script-files.ts';
import { suite } from '../../suite.ts';
import { PollScene } from './poll-scene.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('orders from beginning to end');
const FOUND = { snapshotId: 'found', errMsg: '' };

/** Lets a script be seen among the requests that the host gets. */
function callHost(target: string): string {
  return `bash -c 'exec 3<>/dev/tcp/${WIRE_SERVER_ADDRESS}/80 && printf "GET ${target} HTTP/1.0\\r\\n\\r\\n" >&3 && cat <&3 >/dev/null'`;
}

/** The machine's script configuration, as long as the test takes. */
class Scripts implements AsyncDisposable {
  readonly files = new ScriptFiles();

  static async install(
    pre: string,
    post: string,
    members: Readonly<Record<string, unknown>> = {},
  ): Promise<Scripts> {
    const scripts = new Scripts();
    const { files } = scripts;
    const plugin = {
      preScriptLocation: files.script('pre', `trace pre\n${pre}`),
      postScriptLocation: files.script('post', `trace post\n${post}`),
      ...members,
    };
    await mkdir(join(SCRIPT_PLUGIN_PATH, '..'), { recursive: true });
    await writeFile(SCRIPT_PLUGIN_PATH, JSON.stringify(plugin), { mode: 0o600 });
    await chmod(SCRIPT_PLUGIN_PATH, 0o600);
    return scripts;
  }

  async traced(): Promise<string[]> {
    return (await readFile(this.files.trace, 'utf8').catch(() => '')).trim().split('\n');
  }

  /** As soon as this was traced so many times. */
  async tracedAs(line: string, times = 1): Promise<void> {
    const deadline = Date.now() + 240_000;
    while ((await this.traced()).filter((it) => it === line).length < times) {
      assert.ok(Date.now() < deadline, `no ${line} in time`);
      await sleep(5);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(SCRIPT_PLUGIN_PATH);
  }
}

test('scripts run before startsnapshot and after it, and the host is told when all is over', async () => {
  await using scripts = await Scripts.install(callHost('/pre'), callHost('/post'));
  await using scene = await PollScene.create(50);
  scene.start();
  const { started, published } = await scene.snapshot({ snapshotId: 'found' });
  assert.equal(started, FOUND, await scene.log());
  assert.equal(published, FOUND);
  assert.equal(await scripts.traced(), ['pre', 'post']);
  const calls = (await scene.host.requests()).map(({ call, target }) =>
    call === 'other' ? target : call,
  );
  const last = calls.slice(calls.indexOf('/pre'));
  assert.equal(
    last.filter((call) => call !== 'versions' && call !== 'check-for-snapshot'),
    ['/pre', 'start-snapshot', '/post', 'publish-snapshot'],
  );
  assert.match(await scene.log(), 'is consistent');
});

test('a script that must not fail: nothing is frozen, and the host is told with both calls', async () => {
  const members = { continueBackupOnFailure: false };
  await using scripts = await Scripts.install('exit 3', '', members);
  await using scene = await PollScene.create();
  scene.start();
  const { started, published } = await scene.snapshot({ snapshotId: 'found' });
  assert.is(started.error?.code, '300');
  assert.is(published.error?.code, '300');
  assert.match(published.errMsg, 'exit code 3');
  assert.equal(await scripts.traced(), ['pre', 'post']);
  assert.not.match(await scene.log(), 'from freeze to answer');
});

test('a script that may fail leaves a file-system consistent snapshot, and a warning', async () => {
  await using _scripts = await Scripts.install('exit 3', '');
  await using scene = await PollScene.create();
  scene.start();
  const { published } = await scene.snapshot({ snapshotId: 'found' });
  assert.equal(published, FOUND);
  assert.match(await scene.log(), /WARNING .*exit code 3.*code 300/);
});

test('a post-script that must not fail is told, though the snapshot was taken', async () => {
  const members = { continueBackupOnFailure: false };
  await using _scripts = await Scripts.install('', 'exit 3', members);
  await using scene = await PollScene.create();
  scene.start();
  const { started, published } = await scene.snapshot({ snapshotId: 'found' });
  assert.equal(started, FOUND);
  assert.is(published.error?.code, '301');
});

test('the nine seconds begin with the freeze: a script that takes longer does not count', async () => {
  const members = { timeoutInSeconds: 20 };
  await using _scripts = await Scripts.install('sleep 9.2', '', members);
  await using scene = await PollScene.create();
  scene.start();
  const { published } = await scene.snapshot({ snapshotId: 'found' });
  assert.equal(published, FOUND, await scene.log());
});

test('a service that is told to end lets the application go, tells the host, and freezes nothing', async () => {
  await using scripts = await Scripts.install(`${callHost('/pre')}\nsleep 60`, '');
  await using scene = await PollScene.create();
  scene.start();
  await scene.host.order({ snapshotId: 'found' });
  await scene.requests('other');
  await scene.stop();
  const [started] = await scene.told('start-snapshot', 'found');
  const [published] = await scene.told('publish-snapshot', 'found');
  assert.match(started?.errMsg ?? '', 'SIGTERM');
  assert.match(published?.errMsg ?? '', 'nothing was frozen');
  assert.equal(await scripts.traced(), ['pre', 'post']);
});

const WAITS = 'waiting for another run to release the applications';
/** Lets the post-script end that waits for it. */
const GO = '/lab/go';

test('no other run quiesces before the post-scripts of an order have ended, and the other way round', async () => {
  const members = { timeoutInSeconds: 300 };
  const post = `until rm ${GO} 2>/dev/null; do sleep 0.1; done\ntrace post-end`;
  await using scripts = await Scripts.install('', post, members);
  await using scene = await PollScene.create();
  scene.start();
  await scene.host.order({ snapshotId: 'found' });
  await scripts.tracedAs('post');
  using other = RunningCommand.start(['freeze', '--', 'true']);
  await other.said(WAITS);
  await writeFile(GO, '');
  await scripts.tracedAs('post', 2);
  await scene.host.order({ snapshotId: 'next' });
  await scene.logged(WAITS);
  await writeFile(GO, '');
  await scripts.tracedAs('post', 3);
  await writeFile(GO, '');
  const [next] = await scene.told('publish-snapshot', 'next');
  assert.equal(next, { snapshotId: 'next', errMsg: '' }, await scene.log());
  const { exitCode, stderr } = await other.ended;
  assert.is(exitCode, 0, stderr);
  const run = ['pre', 'post', 'post-end'];
  assert.equal(await scripts.traced(), [...run, ...run, ...run]);
});

test('what a dead run has left is settled before the order: a frozen file system, a post-script', async () => {
  await using scripts = await Scripts.install('', '');
  await using scene = await PollScene.create();
  scene.start();
  await scene.requests('check-for-snapshot');
  const { files } = scripts;
  const owed = {
    kind: 'script',
    command: { path: files.script('owed', 'trace owed'), parameters: [], retries: 0 },
    timeoutMs: 5_000,
  };
  const entry = {
    process: { pid: 0, startTicks: '1' },
    begun: '2026-11-22T00:00:00Z',
    owed: [owed],
  };
  await mkdir(join(JOURNAL_DIRECTORY, 'owed'), { recursive: true, mode: 0o700 });
  await writeFile(join(JOURNAL_DIRECTORY, 'owed/dead.json'), JSON.stringify(entry));
  await dieFrozen(scene.disks.disks.map(({ mountPoint }) => mountPoint));
  const { published } = await scene.snapshot({ snapshotId: 'found' });
  assert.equal(published, FOUND, await scene.log());
  assert.equal(await scripts.traced(), ['owed', 'pre', 'post']);
  assert.match(await scene.log(), 'died between freeze and thaw; thawed now');
});

/** A run that is killed while it holds them frozen, and its guardian with it. */
async function dieFrozen(mountPoints: readonly string[]): Promise<void> {
  await mkdir(JOURNAL_DIRECTORY, { recursive: true, mode: 0o700 });
  await using worker = await FrozenWorker.start(mountPoints, {
    journalDirectory: JOURNAL_DIRECTORY,
  });
  await stop(worker.guardianPid);
  worker.kill('SIGKILL');
  process.kill(worker.guardianPid, 'SIGKILL');
  await gone(worker.guardianPid);
}

test('a host that did not hear is told again, and nothing is frozen a second time', async () => {
  await using scene = await PollScene.create();
  // As many as one round tries.
  const fault = { kind: 'answer', status: 503, body: '' } as const;
  await scene.host.setFault({ call: 'publish-snapshot', fault, times: 4 });
  scene.start();
  await scene.host.order({ snapshotId: 'found' });
  await scene.logged('its result is still to be reported to the host');
  await scene.stop();
  assert.equal(await scene.told('start-snapshot', 'found'), [FOUND]);
  assert.equal((await scene.told('publish-snapshot', 'found')).at(-1), FOUND);
  assert.is(await readOrderNote(scene.installation.directory, 'found'), undefined);
});

test('an order writes the events that a task does, whatever became of it', async () => {
  await using scene = await PollScene.create();
  scene.start();
  const settings = { public: { taskId: 'task-of-the-order' } };
  await scene.snapshot({ snapshotId: 'found', extensionSettings: settings });
  const fault = { kind: 'answer', status: 503, body: '' } as const;
  await scene.host.setFault({ call: 'start-snapshot', fault, times: 1 });
  await scene.events(1);
  await scene.snapshot({ snapshotId: 'lost' });
  const [good, bad] = await scene.events(2);
  const told = [good, bad].map((events) =>
    events?.map(({ EventLevel, OperationId, TaskName }) => [EventLevel, OperationId, TaskName]),
  );
  assert.equal(told, [
    ['Informational', 'Informational'].map((level) => [level, 'task-of-the-order', 'Snapshot']),
    ['Error', 'Informational'].map((level) => [level, 'lost', 'Snapshot']),
  ]);
  assert.match(good?.[0]?.Message ?? '', /^1 success: /);
  assert.match(good?.[1]?.Message ?? '', 'snapshotCreator=backupHostService');
  assert.match(bad?.[0]?.Message ?? '', /^76 /);
});

test('one that refuses to hear of it, and wants it all the same, gets a new snapshot', async () => {
  await using scene = await PollScene.create();
  const fault = { kind: 'answer', status: 409, body: '' } as const;
  await scene.host.setFault({ call: 'publish-snapshot', fault, times: 1 });
  scene.start();
  await scene.host.order({ snapshotId: 'found' });
  await scene.logged('it answered 409');
  await scene.logged('is consistent', 2);
  await scene.stop();
  assert.equal(await scene.told('start-snapshot', 'found'), [FOUND, FOUND]);
});

test('an order in the midst of which the service died is told as a fault, the next one carried out', async () => {
  await using scene = await PollScene.create();
  await writeOrderNote(scene.installation.directory, 'torn', { kind: 'begun' });
  scene.start();
  const { started, published } = await scene.snapshot({ snapshotId: 'torn' });
  assert.match(started.errMsg, 'ended while it handled this order');
  assert.is(published.error?.code, '2');
  assert.not.match(await scene.log(), 'phase');
  assert.equal((await scene.snapshot({ snapshotId: 'found' })).published, FOUND);
});

test('blobs that never answer keep nobody who wants the service ended, and change nothing of the result', async () => {
  // Keeps nobody either, however this ends.
  const silent = createServer((socket) => socket.unref()).unref();
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const address = silent.address();
  assert.ok(address !== null && typeof address === 'object');
  const blob = `http://127.0.0.1:${address.port}/container/blob?sv=1&sig=c2VjcmV0`;
  const settings = { statusBlobSasUri: blob, loggingBlobSasUri: blob };
  await using scene = await PollScene.create();
  const connected = once(silent, 'connection');
  scene.start();
  const { published } = await scene.snapshot({
    snapshotId: 'found',
    extensionSettings: { protected: settings },
  });
  assert.equal(published, FOUND);
  await connected;
  // Ends within the test's time limit, which is less than an upload may take else.
  await scene.stop();
  const log = await scene.log();
  assert.match(log, 'the status blob could not be written: the upload was cancelled');
  assert.match(log, 'the log blob could not be written: the upload was cancelled');
  assert.not.match(log, 'c2VjcmV0');
});

test.run();
