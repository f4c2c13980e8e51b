import { join } from 'node:path';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import type { LoggedCall } from '../../../src/lab/managed/model.ts';
import { enterLab } from '../../../src/lab/namespace.ts';
import { SOURCE_PROGRAM } from '../../../src/lab/program-path.ts';
import { runSummarySchema } from '../../../src/report/schemas/run-summary.ts';
import type { RunSummary } from '../../../src/report/summary.ts';
import { type Ended, flashfreeze } from '../../commands/command-line.ts';
import { suite } from '../../suite.ts';
import { proveOnce } from './fixtures/proof.ts';
import { ManagedScene } from './fixtures/scene.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('flashfreeze snapshot --managed --restore-point');
const FOUR = [{ type: 'ext4' }, { type: 'ext4' }, { type: 'xfs' }, { type: 'ext4' }] as const;
const TWO = [{ type: 'ext4' }, { type: 'ext4' }] as const;
const QUICK = { retryAfterSeconds: undefined } as const;
const CLEAN = { cutViolations: 0, needRecovery: 0, damaged: 0 };

function summaryOf({ stdout }: Ended): RunSummary {
  return v.parse(runSummarySchema, JSON.parse(stdout));
}

function point(...args: readonly string[]): Promise<Ended> {
  return flashfreeze(['snapshot', '--managed', '--restore-point', 'daily', '--json', ...args]);
}

function duringFreeze(calls: readonly LoggedCall[]): readonly LoggedCall[] {
  const first = calls.findIndex(({ call }) => call === 'put-restore-point');
  const last = calls.findLastIndex(({ call }) => call.startsWith('poll-'));
  return calls.slice(first, last + 1);
}

test('one request makes a point in which every disk shows the instant', async () => {
  const operation = { ...QUICK, durationMs: 1_500, pointInTime: 'end' } as const;
  await using scene = await ManagedScene.create(FOUR, { operation, restorePointSpreadMs: 100 });
  const { found, ended } = await proveOnce(scene, () => point('--name-prefix', 'nightly'));
  assert.is(ended.exitCode, 0, `${ended.stdout}${ended.stderr}`);
  const summary = summaryOf(ended);
  assert.equal(found, CLEAN);
  assert.is(summary.consistency, 'fileSystemConsistent');
  assert.equal(summary.warnings, []);
  const pictures = await scene.lab.snapshots();
  assert.equal(
    summary.disks.map(({ blob, device, snapshot }) => [blob, device, snapshot]),
    scene.disks.disks.map(({ device, index }) => [
      ...[scene.lab.diskId(`disk${index}`), device],
      pictures.find(({ disk }) => disk === `disk${index}`)?.id,
    ]),
  );
  assert.match(pictures[0]?.restorePoint ?? '', /^nightly-\d{8}T\d{6}Z-[0-9a-f]{8}$/);
  assert.equal(await scene.lab.violations(), []);
});

test('a tool that thaws when its request is accepted fails the proof', async () => {
  const operation = { ...QUICK, durationMs: 1_500, pointInTime: 'end' } as const;
  await using scene = await ManagedScene.create(TWO, { operation, restorePointSpreadMs: 100 });
  const hook = join(import.meta.dirname, 'fixtures/thaw-at-202.ts');
  const words = ['snapshot', '--managed', '--restore-point', 'daily', '--json'];
  const { found } = await proveOnce(scene, () =>
    flashfreeze(words, {
      under: ['env', `NODE_OPTIONS=--import=${hook}`],
      program: SOURCE_PROGRAM,
    }),
  );
  assert.ok(found.cutViolations + found.needRecovery > 0, JSON.stringify(found));
});

test('while anything is frozen one PUT and polls are sent, over a connection that stands', async () => {
  await using scene = await ManagedScene.create(TWO, { operation: QUICK });
  const ended = await point();
  assert.is(ended.exitCode, 0, `${ended.stdout}${ended.stderr}`);
  const calls = await scene.lab.requests();
  const frozen = duringFreeze(calls);
  const before = calls.slice(0, calls.indexOf(frozen[0] as LoggedCall));
  assert.equal(
    before.map(({ call }) => call),
    [
      ...['compute', 'token', 'get-collection', 'put-collection', 'get-restore-point'],
      ...['get-permissions', 'list-locks', 'get-restore-point'],
    ],
  );
  const [put, ...polls] = frozen;
  assert.equal(JSON.parse(put?.body ?? ''), { properties: { consistencyMode: 'CrashConsistent' } });
  assert.equal([...new Set(polls.map(({ call }) => call))], ['poll-operation']);
  const connections = new Set(frozen.map(({ connection }) => connection));
  assert.equal([...connections], [before.at(-1)?.connection]);
  for (const text of [ended.stdout, ended.stderr]) {
    assert.not.match(text, /eyJ|Bearer|[?&]c=/);
  }
});

test('disks that Azure takes into no such point are excluded, named, and missed', async () => {
  await using scene = await ManagedScene.create(FOUR, { operation: QUICK }, [
    {},
    { sku: 'UltraSSD_LRS' },
    { writeAccelerator: true },
  ]);
  const ended = await point();
  const summary = summaryOf(ended);
  assert.is(ended.exitCode, 1);
  assert.is(summary.consistency, 'none');
  assert.match(summary.warnings.join('\n'), 'does not contain LUN 0 (disk1): Azure takes no Ultra');
  assert.match(summary.warnings.join('\n'), 'does not contain LUN 1 (disk2): Azure takes no write');
  assert.match(summary.problems.join('\n'), 'Incomplete: snapshots of 2 of 4 frozen disks');
  assert.is(summary.disks.length, 2);
  assert.equal(await scene.lab.violations(), []);
});

test('disks that the user leaves out are not missed', async () => {
  await using scene = await ManagedScene.create(TWO, { operation: QUICK });
  const ended = await point('--exclude-lun', '0');
  assert.is(ended.exitCode, 0, `${ended.stdout}${ended.stderr}`);
  const summary = summaryOf(ended);
  assert.match(summary.warnings.join('\n'), 'LUN 0 (disk1): it is named by --exclude-lun');
  assert.equal(
    summary.disks.map(({ blob }) => blob),
    [scene.lab.diskId('disk0')],
  );
  const pictures = await scene.lab.snapshots();
  assert.equal(
    pictures.map(({ disk }) => disk),
    ['disk0'],
  );
});

test('an operation that fails fails the set, and its point is deleted', async () => {
  const operation = { ...QUICK, outcome: 'Failed' } as const;
  await using scene = await ManagedScene.create(TWO, { operation });
  const ended = await point();
  const summary = summaryOf(ended);
  assert.is(ended.exitCode, 1);
  assert.match(summary.problems.join('\n'), 'ended with InternalExecutionError');
  assert.match(summary.orphans[0]?.snapshot ?? '', '/restorePoints/lab-vm-');
  assert.equal(await scene.lab.snapshots(), []);
});

test('an operation that outlives its patience fails the set, and its point is deleted', async () => {
  const operation = { ...QUICK, durationMs: 6_000 };
  await using scene = await ManagedScene.create(TWO, { operation });
  const ended = await point('--timeout', '3');
  const summary = summaryOf(ended);
  assert.is(ended.exitCode, 1);
  assert.match(summary.problems.join('\n'), 'had not ended in time');
  assert.match(summary.orphans[0]?.snapshot ?? '', '/restorePoints/lab-vm-');
  assert.equal(await scene.lab.snapshots(), []);
});

test('a right that shows only with the request thaws everything at once, and is named', async () => {
  await using scene = await ManagedScene.create(TWO, { operation: QUICK });
  const action = 'Microsoft.Compute/restorePointCollections/restorePoints/write';
  await scene.lab.deny('Microsoft.Authorization/permissions/read');
  await scene.lab.deny(action);
  const ended = await point();
  const summary = summaryOf(ended);
  assert.is(ended.exitCode, 1);
  assert.match(summary.problems.join('\n'), `lacks ${action} on /subscriptions/`);
  assert.equal(summary.orphans, []);
});

test('a right that is missing and a read-only lock end the run before the freeze if they can be seen', async () => {
  await using scene = await ManagedScene.create(TWO, { operation: QUICK });
  assert.is((await point()).exitCode, 0);
  const group = scene.lab.resourceId('').split('/providers/')[0] ?? '';
  await scene.lab.setLocks([{ name: 'keep', level: 'ReadOnly', scope: group }]);
  const locked = await point();
  assert.is(locked.exitCode, 2);
  assert.match(locked.stderr, /read-only lock .*\/locks\/keep forbids/);
  await scene.lab.setLocks([]);
  const action = 'Microsoft.Compute/restorePointCollections/restorePoints/write';
  await scene.lab.deny(action);
  const denied = await point();
  assert.is(denied.exitCode, 2);
  assert.match(denied.stderr, `lacks ${action} on `);
  assert.is(
    (await scene.lab.requests()).filter(({ call }) => call === 'put-restore-point').length,
    1,
  );
});

test('without the right to read operations the point itself is asked', async () => {
  await using scene = await ManagedScene.create(TWO, { operation: QUICK });
  await scene.lab.deny('Microsoft.Compute/locations/operations/read');
  const ended = await point();
  assert.is(ended.exitCode, 0, `${ended.stdout}${ended.stderr}`);
});

test('an answer that is lost after the point was begun is no failure', async () => {
  await using scene = await ManagedScene.create(TWO, { operation: QUICK });
  await scene.lab.setFault({
    call: 'put-restore-point',
    times: 1,
    fault: { kind: 'reset', handled: true },
  });
  const { ended, found } = await proveOnce(scene, () => point());
  assert.is(ended.exitCode, 0, `${ended.stdout}${ended.stderr}`);
  assert.equal(found, CLEAN);
});

test('a second request, because the answer is late, makes no second point', async () => {
  await using scene = await ManagedScene.create(TWO, { operation: QUICK });
  const fault = { kind: 'slow', delayMs: 4_000 } as const;
  await scene.lab.setFault({ call: 'put-restore-point', times: 1, fault });
  const ended = await point();
  assert.is(ended.exitCode, 0, `${ended.stdout}${ended.stderr}`);
  const points = new Set((await scene.lab.snapshots()).map(({ restorePoint }) => restorePoint));
  assert.is(points.size, 1);
});

test('what can be seen before the freeze ends the run before it', async () => {
  await using scene = await ManagedScene.create(TWO, { operation: QUICK, limits: 'none' });
  for (let made = 0; made < 3; made += 1) {
    assert.is((await point()).exitCode, 0);
  }
  const fourth = await point();
  assert.is(fourth.exitCode, 2);
  assert.match(fourth.stderr, 'FF_DISK_REFUSED');
  assert.match(fourth.stderr, '3 restore points of this VM were made within the last hour');
  await scene.lab.deny('Microsoft.Compute/restorePointCollections/read');
  const denied = await point();
  assert.is(denied.exitCode, 2);
  assert.match(
    denied.stderr,
    `lacks Microsoft.Compute/restorePointCollections/read on ${scene.lab.resourceId('restorePointCollections/daily')}`,
  );
});

test.run();
