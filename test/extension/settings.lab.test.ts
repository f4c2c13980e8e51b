import { readFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { enterGuestLab } from '../../src/lab/agent/enter-guest-lab.ts';
import type { ProtectedSettings } from '../../src/lab/agent/settings-text.ts';
import { CIPHERS } from '../../src/lab/agent/transport-certificate.ts';
import type { ResultCode } from '../../src/result-codes.ts';
import { suite } from '../suite.ts';
import { assertBlobStatus, assertCommands, assertReported } from './checks.ts';
import { preparePayload } from './payload.ts';
import { Scene, type SceneWish, type Task } from './scene.ts';
import { encode } from './task.ts';

await enterGuestLab({ lifetimeSeconds: 600 }, preparePayload);

const test = suite('extension with settings of every kind');

/** Sends a task and waits for its end. */
async function runTask(scene: Scene, task: Task): Promise<void> {
  const outcome = await scene.send(task.settings);
  assertCommands(
    outcome,
    outcome.commands.map(({ name }) => name),
  );
  await scene.settled();
}

test('carries out tasks of every cipher, late or ahead of time, and with blobs of any name', async () => {
  await using scene = await Scene.create({ disks: [{ type: 'ext4' }] });
  for (const [index, cipher] of CIPHERS.entries()) {
    const task = await scene.task({ cipher });
    await runTask(scene, task);
    await assertBlobStatus(task, 1);
    assert.equal(await scene.snapshotCounts(), scene.each(index + 1), cipher);
  }
  const old = await scene.task({ scheduledMinutesAgo: 139 });
  await runTask(scene, old);
  await assertBlobStatus(old, 1);
  await assertStartAwaited(scene);
  await assertAnyBlobName(scene);
});

async function assertStartAwaited(scene: Scene): Promise<void> {
  const startAt = Date.now() + 3_000;
  const future = await scene.task({ scheduledMinutesAgo: -3 / 60 });
  await runTask(scene, future);
  const { status } = await assertBlobStatus(future, 1);
  const uri = new URL(status.snapshotInfo?.[0]?.snapshotUri ?? '');
  const snapshotAt = Date.parse(uri.searchParams.get('snapshot') ?? '');
  assert.ok(snapshotAt >= startAt, `${startAt - snapshotAt} ms too early`);
}

async function assertAnyBlobName(scene: Scene): Promise<void> {
  const name = 'os disk ü 日本 (1)+%41.vhd';
  const [, source] = scene.guest.blobSources;
  assert.ok(source !== undefined);
  const url = await scene.azurite.createPageBlob(name, source);
  const [root = ''] = scene.diskUrls;
  const task = await scene.task({ blobs: [root, url] });
  await runTask(scene, task);
  const { status } = await assertBlobStatus(task, 1);
  const [snapshot] = await scene.azurite.listSnapshots(name);
  const info = status.snapshotInfo?.[1];
  assert.is(info?.blobUri, url.split('?')[0]);
  assert.is(info?.snapshotUri, `${url.split('?')[0]}?snapshot=${snapshot?.snapshot}`);
}

interface BadCase {
  readonly name: string;
  readonly code: ResultCode;
  readonly wish: SceneWish;
}

const raw = (text: unknown, thumbprint?: string): SceneWish => ({
  protectedSettings: { kind: 'raw', text, ...(thumbprint === undefined ? {} : { thumbprint }) },
});
const encrypted = (value: unknown): { protectedSettings: ProtectedSettings } => ({
  protectedSettings: { kind: 'encrypted', value },
});
const metadataOnly = (publicSettings: Readonly<Record<string, unknown>>): SceneWish => ({
  publicSettings,
});

function badCases(thumbprint: string): BadCase[] {
  const foreign = '0123456789ABCDEF0123456789ABCDEF01234567';
  return [
    { name: 'no thumbprint', code: 16, wish: raw('TUlJ') },
    { name: 'a thumbprint without certificate', code: 16, wish: raw('TUlJ', foreign) },
    { name: 'no base64', code: 11, wish: raw('***', thumbprint) },
    { name: 'base64 of no CMS message', code: 11, wish: raw('aGVsbG8gd29ybGQ=', thumbprint) },
    { name: 'objectStr is no base64', code: 11, wish: encrypted({ objectStr: '***' }) },
    {
      name: 'objectStr is base64 of no JSON',
      code: 11,
      wish: encrypted({ objectStr: Buffer.from('{"blobSASUri": [').toString('base64') }),
    },
    // The host could still take the snapshots; here it is not asked.
    { name: 'no objectStr', code: 11, wish: encrypted({}) },
    { name: 'an unknown command', code: 11, wish: metadataOnly({ commandToExecute: 'restore' }) },
    { name: 'no command', code: 11, wish: metadataOnly({ commandToExecute: '' }) },
    {
      name: 'no backup metadata',
      code: 11,
      wish: metadataOnly({ objectStr: encode({ snapshotTaskToken: 'x' }) }),
    },
    { name: 'a start 141 minutes ago', code: 402, wish: { scheduledMinutesAgo: 141 } },
  ];
}

test('says what is wrong with bad settings, with its own code, and snapshots nothing', async () => {
  await using scene = await Scene.create({ disks: [{ type: 'ext4' }] });
  for (const { name, code, wish } of badCases(scene.certificate.thumbprint)) {
    const task = await scene.task();
    const { statusBlobUri } = task.blobs;
    const bad = await scene.task({
      ...wish,
      publicSettings: { ...wish.publicSettings, statusBlobUri },
    });
    await runTask(scene, bad);
    const report = await assertReported(scene, code, name);
    assert.ok((report.message ?? '').length > 20, name);
    const blob = await task.blobs.status();
    assert.is(String(blob?.status.code), String(code), name);
  }
  assertCommands(await scene.send(''), ['enable']);
  await scene.settled();
  await assertReported(scene, 11, 'no settings at all');
  assert.equal(await scene.snapshotCounts(), scene.each(0));
});

/** What one field has wrong costs that field. */
const TOLERATED: readonly [name: string, wish: SceneWish, warning: RegExp][] = [
  [
    'ticks as a spreadsheet shows them',
    metadataOnly({ commandStartTimeUTCTicks: '6.36458E + 17' }),
    /commandStartTimeUTCTicks of the settings must be \.NET ticks/,
  ],
  [
    'a start 25 hours ahead',
    { scheduledMinutesAgo: -25 * 60 },
    /commandStartTimeUTCTicks is .* is not waited for/,
  ],
  [
    'a number that is none',
    metadataOnly({
      customSettings: JSON.stringify({ takeSnapshotFrom: 'onlyGuest', backupRetryCount: 'x' }),
    }),
    /backupRetryCount of customSettings of the settings must be a whole number/,
  ],
];

test('takes the snapshots although a field is wrong, and the log names it', async () => {
  await using scene = await Scene.create({ disks: [{ type: 'ext4' }] });
  for (const [index, [name, wish, warning]] of TOLERATED.entries()) {
    const task = await scene.task(wish);
    await runTask(scene, task);
    await assertBlobStatus(task, 1);
    assert.equal(await scene.snapshotCounts(), scene.each(index + 1), name);
    assert.match(await task.blobs.log(), warning, name);
  }
});

test('works with an agent that writes its environment as an object, has no events folder and tells no sequence number', async () => {
  await using scene = await Scene.create({
    disks: [],
    style: { shape: 'object', events: false, tellsSequenceNumber: false },
  });
  const task = await scene.task({ protectedSettings: { kind: 'none' } });
  const plain = await scene.task({
    protectedSettings: {
      kind: 'plain',
      value: {
        objectStr: encode({ blobSASUri: scene.diskUrls }),
        statusBlobUri: task.blobs.statusBlobUri,
      },
    },
  });
  assertCommands(await scene.send(plain.settings), ['install', 'enable']);
  await scene.settled();
  assert.is((await task.blobs.status())?.status.code, '1');
  const left = await readFile(scene.guest.path(scene.agent.folders.config, '0.settings'), 'utf8');
  assert.not.match(left, 'sig=');
  assert.not.match(left, encode({ blobSASUri: scene.diskUrls }));
});

test('reports 65 disks within the limits of the agent', async () => {
  const disks = Array.from({ length: 64 }, () => ({ type: 'ext4', sizeMb: 16 }) as const);
  await using scene = await Scene.create({ disks });
  const task = await scene.task();
  await runTask(scene, task);
  const { status } = await assertBlobStatus(task, 1);
  assert.is(status.snapshotInfo?.length, 65);
  assert.equal(await scene.snapshotCounts(), scene.each(1));
  await assertReported(scene, 1);
  assert.ok(((await scene.agent.statusText()) ?? '').length < 131_072);
});

test.run();
