import { readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { enterGuestLab } from '../../src/lab/agent/enter-guest-lab.ts';
import { extensionFolders } from '../../src/lab/agent/extension-folders.ts';
import { listTree } from '../../src/lab/agent/file-tree.ts';
import { readStatus } from '../../src/lab/agent/status-report.ts';
import { describeOffences, frozenSpan, offences, TRACED_CALLS } from '../faults/discipline.ts';
import { parseStrace, strace } from '../faults/strace.ts';
import { suite } from '../suite.ts';
import { assertBlobStatus, assertCommands, assertReported, telemetry } from './checks.ts';
import { HANDLER_NAME, preparePayload } from './payload.ts';
import { diskBlob, Scene } from './scene.ts';
import { StatusWatch } from './status-watch.ts';
import { BACKUP_METADATA } from './task.ts';

await enterGuestLab({ lifetimeSeconds: 600, commands: ['strace'] }, preparePayload);

const test = suite('extension from install to uninstall');
const DISKS = [{ type: 'ext4' }, { type: 'xfs' }, { type: 'btrfs' }] as const;

test('installs, snapshots once for each task, updates and leaves without a trace', async () => {
  await using scene = await Scene.create({ disks: DISKS });
  const { guest, agent } = scene;
  const run = `${guest.liveRoot}/run`;
  const before = await listTree(guest.rootDisk.mountPoint);
  const runBefore = await listTree(run);
  const folders = extensionFolders({ name: HANDLER_NAME, version: '1.0.0.1' });
  using watch = new StatusWatch(guest.path(folders.status));

  // A new machine: install, enable, and a snapshot of every disk.
  const first = await scene.task();
  assertCommands(await scene.send(first.settings), ['install', 'enable']);
  await scene.settled();
  assert.equal(await scene.snapshotCounts(), scene.each(1));
  assert.equal(watch.texts.map(codeOf), ['4', '1']);
  const blob = await assertBlobStatus(first, 1);
  assert.is(blob.status.name, HANDLER_NAME);
  assert.is(telemetry(blob, 'consistencyType'), 'fileSystemConsistent');
  assert.is((await assertReported(scene, 1)).status, 'success');
  await assertSnapshotsNamed(scene, blob.status.snapshotInfo ?? []);
  await assertScrubbed(scene, first.settings);
  assert.match(await first.blobs.log(), /^\d{4}-\d\d-\d\dT[\d:.]+Z INFO .*result 1 /m);

  // The same goal state again, as after any change of another extension.
  assertCommands(await scene.sendAgain(first.settings), ['enable']);
  await scene.settled();
  assert.equal(await scene.snapshotCounts(), scene.each(1));
  assert.is((await assertReported(scene, 1)).status, 'success');
  await assertScrubbed(scene, first.settings);

  // The next task, and the same task under a new number.
  const second = await scene.task();
  assertCommands(await scene.send(second.settings), ['enable']);
  await scene.settled();
  await assertBlobStatus(second, 1);
  assert.equal(await scene.snapshotCounts(), scene.each(2));
  assertCommands(await scene.send(second.settings), ['enable']);
  await scene.settled();
  assert.is((await assertReported(scene, 3)).status, 'success');
  assert.equal(await scene.snapshotCounts(), scene.each(2));
  assert.equal(await currentFiles(scene), ['2.settings', '2.status']);
  assertWholeStatuses(watch);
  const events = await agent.collectEvents();
  assert.equal(events.dropped, []);
  assert.ok(events.events.length > 0);

  // A newer version, which knows what the old one has done.
  const upgrade = await scene.sendAgain(second.settings, '1.0.0.2');
  assertCommands(upgrade, ['disable', 'update', 'uninstall', 'install', 'enable']);
  await scene.settled();
  assertCommands(await scene.send(second.settings, '1.0.0.2'), ['enable']);
  await scene.settled();
  assert.is((await assertReported(scene, 3)).status, 'success');
  assert.equal(await scene.snapshotCounts(), scene.each(2));
  const third = await scene.task();
  assertCommands(await scene.send(third.settings, '1.0.0.2'), ['enable']);
  await scene.settled();
  assert.is(telemetry(await assertBlobStatus(third, 1), 'extensionVersion'), '1.0.0.2');
  assert.equal(await scene.snapshotCounts(), scene.each(3));

  assertCommands(await agent.remove(), ['disable', 'uninstall']);
  await scene.settled();
  const after = await listTree(guest.rootDisk.mountPoint);
  assert.equal(
    after.filter((path) => !before.includes(path) && !isKept(path)),
    [],
  );
  assert.equal(await listTree(run), runBefore);
});

test('going back to an older version, that one does not take the same snapshots again', async () => {
  await using scene = await Scene.create({ disks: [{ type: 'ext4' }] });
  const first = await scene.task();
  assertCommands(await scene.send(first.settings, '1.0.0.2'), ['install', 'enable']);
  await scene.settled();
  assert.equal(await scene.snapshotCounts(), scene.each(1));

  const back = await scene.sendAgain(first.settings, '1.0.0.1');
  assertCommands(back, ['disable', 'update', 'uninstall', 'install', 'enable']);
  await scene.settled();
  // Under a new number only the task's own id tells; the agent hands over nothing of that.
  assertCommands(await scene.send(first.settings, '1.0.0.1'), ['enable']);
  await scene.settled();
  assert.is((await assertReported(scene, 3)).status, 'success');
  assert.equal(await scene.snapshotCounts(), scene.each(1));

  const second = await scene.task();
  assertCommands(await scene.send(second.settings, '1.0.0.1'), ['enable']);
  await scene.settled();
  assert.is(telemetry(await assertBlobStatus(second, 1), 'extensionVersion'), '1.0.0.1');
  assert.equal(await scene.snapshotCounts(), scene.each(2));
});

/** The agent's own folders of logs and events, the lock file that freezers of all kinds share, a configuration file and the machine's identity. */
function isKept(path: string): boolean {
  return (
    path.startsWith('var/log/azure') ||
    path === 'etc/azure/workload.conf' ||
    path.startsWith('etc/azure/machine_identity') ||
    path.startsWith('etc/azure/MicrosoftRecoverySvcsSafeFreezeLock')
  );
}

async function assertSnapshotsNamed(
  scene: Scene,
  snapshotInfo: readonly { isSuccessful: boolean; snapshotUri: string; blobUri: string }[],
): Promise<void> {
  assert.is(snapshotInfo.length, scene.diskUrls.length);
  for (const [index, url] of scene.diskUrls.entries()) {
    const [blobUri = ''] = url.split('?');
    const info = snapshotInfo[index];
    const [listed] = await scene.azurite.listSnapshots(diskBlob(index));
    assert.equal(
      [info?.isSuccessful, info?.blobUri, info?.snapshotUri],
      [true, blobUri, `${blobUri}?snapshot=${listed?.snapshot}`],
    );
    assert.is(listed?.metadata.flashfreeze_disk, `${index + 1} of ${scene.diskUrls.length}`);
    for (const { Key, Value } of BACKUP_METADATA) {
      assert.is(listed?.metadata[Key.toLowerCase()] ?? listed?.metadata[Key], Value);
    }
  }
}

/** The settings file is there without its protected part, and as the agent made it otherwise. */
async function assertScrubbed(
  { guest, agent, sequenceNumber }: Scene,
  sent: string,
): Promise<void> {
  const path = guest.path(agent.folders.config, `${sequenceNumber}.settings`);
  const { mode, uid, gid } = await stat(path);
  assert.equal([mode & 0o777, uid, gid], [0o600, 0, 0]);
  const text = await readFile(path, 'utf8');
  const protectedText = /"protectedSettings":"([^"]+)"/.exec(sent)?.[1] ?? 'none';
  assert.not.ok(text.includes(protectedText));
  const left = JSON.parse(text) as Settings;
  const handlerSettings = left.runtimeSettings[0]?.handlerSettings;
  assert.not.ok(handlerSettings?.protectedSettings);
  const original = JSON.parse(sent) as Settings;
  assert.equal(
    handlerSettings?.publicSettings,
    original.runtimeSettings[0]?.handlerSettings.publicSettings,
  );
}

interface Settings {
  readonly runtimeSettings: readonly {
    readonly handlerSettings: {
      readonly publicSettings: unknown;
      readonly protectedSettings?: unknown;
    };
  }[];
}

/** What of settings and statuses the agent takes for current. */
async function currentFiles({ guest, agent }: Scene): Promise<string[]> {
  const { config, status } = agent.folders;
  const names = await Promise.all([config, status].map((folder) => readdir(guest.path(folder))));
  return names
    .flat()
    .filter((name) => /\.(settings|status)$/.test(name))
    .sort();
}

function codeOf(text: string): string {
  const report = readStatus(text);
  return report.kind === 'reported' ? `${report.code}` : report.kind;
}

/** At no moment was there half a status file. */
function assertWholeStatuses({ texts, names }: StatusWatch): void {
  assert.ok(texts.length >= 4, `${texts.length} statuses seen`);
  for (const text of texts) {
    JSON.parse(text);
  }
  assert.ok(
    names.every((name) => /status/.test(name)),
    names.join(' '),
  );
}

test('freezes every file system once, the root too, and meanwhile writes nothing: not even its own output could be written', async () => {
  await using scene = await Scene.create({ disks: DISKS });
  const log = '/lab/strace.log';
  const [tracer = '', ...options] = strace(TRACED_CALLS);
  // The tracer stands aside (-DDD), so that enable ends when it ends.
  scene.agent.under = [tracer, '-DDD', ...options, '-o', log];
  assertCommands(await scene.send((await scene.task()).settings), ['install', 'enable']);
  await scene.settled();
  await programEnd(tracer);
  await assertReported(scene, 1);
  const calls = parseStrace(await readFile(log, 'utf8'));
  const succeeded = (request: string): string[] =>
    calls.map(({ text }) => text).filter((text) => text.includes(request) && / = 0$/.test(text));
  assert.is(succeeded('FIFREEZE').length, 4);
  assert.is(succeeded('FITHAW').length, 4);
  const span = frozenSpan(calls);
  assert.ok(span);
  assert.equal(describeOffences(offences(calls, span)), '');
});

/** Resolves when no process of that name is left in the lab. */
async function programEnd(name: string): Promise<void> {
  const runs = (pid: string): boolean => {
    try {
      return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === name;
    } catch {
      return false;
    }
  };
  while (readdirSync('/proc').some(runs)) {
    await delay(20);
  }
}

test.run();
