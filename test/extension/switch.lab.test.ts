import { mkdir, mkdtemp, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { enterGuestLab } from '../../src/lab/agent/enter-guest-lab.ts';
import { suite } from '../suite.ts';
import { assertBlobStatus, assertCommands, assertReported, telemetry } from './checks.ts';
import { OTHERS_TEMPLATE, zipOtherExtension } from './fixtures/other-extension.ts';
import { HANDLER_NAME, payloadPath, preparePayload } from './payload.ts';
import { ROLE_GUID, Scene } from './scene.ts';

await enterGuestLab({ lifetimeSeconds: 600, commands: ['python3'] }, preparePayload);

const test = suite('switching from the backup service’s own extension and back');
const AZURE = '/etc/azure';
const TRACE = '/data/disk0/trace';
const VM_BACKUP =
  '[SnapshotThread]\nseqsnapshot = 1\nLoggingOff = 1\nSafeFreezeWaitInSeconds = 66\n';
const IDENTITY = 'machine_identity_FD76C85E-406F-4CFA-8EB0-CF18B123358B';

async function installScripts({ guest }: Scene): Promise<void> {
  for (const name of ['pre', 'post']) {
    const text = `#!/bin/sh\necho ${name} >>${TRACE}\n`;
    await writeFile(guest.path(AZURE, `${name}.sh`), text, { mode: 0o700 });
  }
  const plugin = { preScriptLocation: `${AZURE}/pre.sh`, postScriptLocation: `${AZURE}/post.sh` };
  const path = guest.path(AZURE, 'VMSnapshotScriptPluginConfig.json');
  await writeFile(path, JSON.stringify(plugin), { mode: 0o600 });
}

/** The files that both extensions use, with their modes. */
async function sharedFiles({ guest }: Scene): Promise<string[]> {
  return await Promise.all(
    ['workload.conf', 'vmbackup.conf', IDENTITY].map(async (name) => {
      const path = guest.path(AZURE, name);
      const { mode } = await stat(path);
      return `${name} ${(mode & 0o777).toString(8)} ${await readFile(path, 'utf8')}`;
    }),
  );
}

test('the scripts run, the snapshots are application consistent, and the other extension finds its files as they were', async () => {
  await using scene = await Scene.create({ disks: [{ type: 'ext4' }, { type: 'xfs' }] });
  const { guest, agent } = scene;
  const other = await zipOtherExtension(await mkdtemp(join(tmpdir(), 'flashfreeze-other-')));
  await mkdir(guest.path(AZURE), { recursive: true });
  await writeFile(guest.path(AZURE, 'vmbackup.conf'), VM_BACKUP, { mode: 0o644 });
  const first = await scene.task({ taskId: 'a1b2_1' });
  const goal = (packagePath: string, sequenceNumber: number, settings: string) =>
    agent.apply({ packagePath, sequenceNumber, settings });
  assertCommands(await goal(other, 7, first.settings), ['install', 'enable']);
  await installScripts(scene);
  const before = await sharedFiles(scene);
  assert.is(before[0], `workload.conf 744 ${OTHERS_TEMPLATE}`);

  // What the other one has handled is not taken again, under its number or under a new one.
  const own = payloadPath('1.0.0.1');
  const upgrade = ['disable', 'update', 'uninstall', 'install', 'enable'];
  assertCommands(await goal(own, 7, first.settings), upgrade);
  await scene.settled();
  assertCommands(await goal(own, 8, first.settings), ['enable']);
  await scene.settled();
  assert.equal(await scene.snapshotCounts(), scene.each(0));

  const second = await scene.task();
  assertCommands(await goal(own, 9, second.settings), ['enable']);
  await scene.settled();
  const blob = await assertBlobStatus(second, 0);
  assert.is((await assertReported(scene, 0)).status, 'success');
  assert.is(telemetry(blob, 'consistencyType'), 'applicationConsistent');
  assert.equal(await scene.snapshotCounts(), scene.each(1));
  assert.is(await readFile(`${guest.liveRoot}${TRACE}`, 'utf8'), 'pre\npost\n');
  const log = await readFile(guest.path('/var/log/azure', HANDLER_NAME, 'extension.log'), 'utf8');
  assert.match(log, /WARNING .*seqsnapshot = 1 is ignored/);
  assert.match(log, /INFO .*result 0 /);
  assert.not.match(log, /the freeze started .* late/);
  assert.equal(await sharedFiles(scene), before);

  // Back: the agent runs update of the newer version, which is this one.
  assertCommands(await goal(other, 9, second.settings), upgrade);
  await scene.settled();
  assert.is(await readFile(guest.path('/tmp/found'), 'utf8'), `9${second.taskId}{${ROLE_GUID}}`);
  assert.equal(await sharedFiles(scene), before);
  assert.equal(await scene.snapshotCounts(), scene.each(1));
});

test('on a machine without any of them, install makes /etc/azure readable and puts the template there', async () => {
  await using scene = await Scene.create({ disks: [{ type: 'ext4' }] });
  const task = await scene.task();
  assertCommands(await scene.send(task.settings), ['install', 'enable']);
  await scene.settled();
  await assertBlobStatus(task, 1);
  const modeOf = async (path: string): Promise<number> =>
    (await stat(scene.guest.path(path))).mode & 0o777;
  assert.is(await modeOf(AZURE), 0o755);
  assert.is(await modeOf(`${AZURE}/workload.conf`), 0o600);
  assertCommands(await scene.agent.remove(), ['disable', 'uninstall']);
  assert.is(await modeOf(`${AZURE}/workload.conf`), 0o600);
});

test.run();
