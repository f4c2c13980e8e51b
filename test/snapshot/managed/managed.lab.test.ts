import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AnonymousCredential, ContainerClient } from '@azure/storage-blob';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import type { LoggedCall } from '../../../src/lab/managed/model.ts';
import { enterLab } from '../../../src/lab/namespace.ts';
import { SOURCE_PROGRAM } from '../../../src/lab/program-path.ts';
import { Writers } from '../../../src/lab/writers.ts';
import { latestRun, readRunFile } from '../../../src/report/run-folder.ts';
import { manifestSchema } from '../../../src/report/schemas/manifest.ts';
import { runSummarySchema } from '../../../src/report/schemas/run-summary.ts';
import type { RunSummary } from '../../../src/report/summary.ts';
import { type Ended, flashfreeze } from '../../commands/command-line.ts';
import { blobServer } from '../../commands/rig.ts';
import { ScriptFiles } from '../../quiesce/scripts/script-files.ts';
import { suite } from '../../suite.ts';
import { proveOnce } from './fixtures/proof.ts';
import { ManagedScene } from './fixtures/scene.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('flashfreeze snapshot --managed');
const MIXED = [{ type: 'ext4' }, { type: 'xfs' }, { type: 'ext4' }, { type: 'btrfs' }] as const;
/** The two clocks go alike for as long as a test takes, but for this much. The question itself has eight seconds. */
const CLOCKS_DIFFER_NS = 1_000_000_000n;
const QUICK = { retryAfterSeconds: undefined } as const;
const CLEAN = { cutViolations: 0, needRecovery: 0, damaged: 0 };

function summaryOf({ stdout }: Ended): RunSummary {
  return v.parse(runSummarySchema, JSON.parse(stdout));
}

function managed(...args: readonly string[]): Promise<Ended> {
  return flashfreeze(['snapshot', '--managed', '--json', ...args]);
}

/** From the first request for a snapshot to the last question about its operation. */
function duringFreeze(calls: readonly LoggedCall[]): readonly LoggedCall[] {
  const first = calls.findIndex(({ call }) => call === 'put-snapshot');
  const last = calls.findLastIndex(({ call }) => call.startsWith('poll-'));
  return calls.slice(first, last + 1);
}

test('snapshots every managed disk at one instant, and the report has resource ids', async () => {
  await using scene = await ManagedScene.create(MIXED);
  const { found, ended } = await proveOnce(scene, () => managed('--tag', 'policy=daily'));
  const summary = summaryOf(ended);
  assert.is(ended.exitCode, 0, `${ended.stdout}${ended.stderr}`);
  assert.is(summary.consistency, 'fileSystemConsistent');
  assert.equal(summary.warnings, []);
  assert.equal(found, CLEAN);
  const snapshots = await scene.lab.snapshots();
  assert.equal(
    summary.disks.map(({ blob, device, snapshot }) => [blob, device, snapshot]),
    scene.disks.disks.map(({ device, index }) => [
      ...[scene.lab.diskId(`disk${index}`), device],
      snapshots.find(({ disk }) => disk === `disk${index}`)?.id,
    ]),
  );
  const runs = new Set(snapshots.map(({ tags }) => tags['flashfreeze-run']));
  assert.is(runs.size, 1);
  assert.is(snapshots[0]?.tags.policy, 'daily');
  for (const { tags, disk } of snapshots) {
    const own = scene.disks.disks.find(({ index }) => disk === `disk${index}`);
    assert.is(tags['flashfreeze-device'], own?.device);
    assert.is(tags['flashfreeze-mounts'], own?.mountPoint);
    assert.is(tags['flashfreeze-barrier'], summary.barrier);
    assert.is(tags['flashfreeze-consistency'], 'fileSystemConsistent');
    assert.is(tags['flashfreeze-restorable'], 'true');
  }
  assert.equal(await scene.lab.violations(), []);
  const kept = await readRunFile(await latestRun());
  assert.is(kept.credential?.kind, 'token');
  assert.ok(Date.parse(kept.credential?.endsAt ?? '') > Date.now());
  assert.equal(kept.set, { complete: true, unprotected: 0 });
});

test('while anything is frozen only PUT and polls are sent, over connections that stand', async () => {
  await using scene = await ManagedScene.create(MIXED);
  const ended = await managed();
  assert.is(ended.exitCode, 0, `${ended.stdout}${ended.stderr}`);
  const calls = await scene.lab.requests();
  const [, ...rest] = new Set(calls.map(({ call }) => call));
  assert.equal(rest, [
    ...['token', 'get-disk', 'get-snapshot', 'get-permissions', 'list-locks'],
    ...['put-snapshot', 'poll-operation', 'patch-snapshot'],
  ]);
  const frozen = duringFreeze(calls);
  assert.equal([...new Set(frozen.map(({ call }) => call))], ['put-snapshot', 'poll-operation']);
  const before = new Set(
    calls.slice(0, calls.indexOf(frozen[0] as LoggedCall)).map(({ connection }) => connection),
  );
  assert.ok(frozen.every(({ connection }) => before.has(connection)));
  for (const text of [ended.stdout, ended.stderr]) {
    assert.not.match(text, /eyJ|Bearer|[?&]c=/);
  }
});

test('the application is released before the service is asked again what became of a request', async () => {
  await using scene = await ManagedScene.create([{ type: 'ext4' }]);
  const files = new ScriptFiles();
  const postScriptLocation = files.script('released', 'trace "$(date +%s%N)"');
  const { pluginHost } = files.host([files.usual({ postScriptLocation })]);
  const fault = { kind: 'no-answer', handled: false } as const;
  await scene.lab.setFault({ call: 'poll-operation', fault });
  const running = managed('--plugin-host', pluginHost, '--timeout', '2');
  const requested = async (): Promise<number> =>
    (await scene.lab.requests()).findIndex(({ call }) => call === 'put-snapshot');
  while ((await requested()) < 0) {
    await delay(10);
  }
  // Before the request for it, the questions were whether its name is free.
  await scene.lab.setFault({ call: 'get-snapshot', fault });
  const ended = await running;
  assert.is(summaryOf(ended).consistency, 'none', ended.stderr);
  const after = (await scene.lab.requests()).slice(await requested());
  const askedAgain = after.find(({ call }) => call === 'get-snapshot');
  assert.ok(askedAgain, 'nothing was asked again');
  const [, releasedAt = ''] = readFileSync(files.trace, 'utf8').trim().split('\n');
  const wallClockAheadNs = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();
  const releasedNs = BigInt(releasedAt) - wallClockAheadNs;
  assert.ok(releasedNs < askedAgain.receivedNs + CLOCKS_DIFFER_NS, 'released too late');
});

test('a service that takes no tags costs a warning, not the run', async () => {
  await using scene = await ManagedScene.create(MIXED);
  const fault = { kind: 'error', status: 403, code: 'AuthorizationFailed' } as const;
  await scene.lab.setFault({ call: 'patch-snapshot', disk: 'disk1', fault });
  const ended = await managed();
  const summary = summaryOf(ended);
  assert.is(ended.exitCode, 0, `${ended.stdout}${ended.stderr}`);
  assert.is(summary.restorable, true);
  assert.match(
    summary.warnings.join(),
    /tags of 1 of 4 snapshots: .*lacks Microsoft\.Compute\/snapshots\/write/,
  );
});

test('--manifest stores a manifest in a container, with LUNs and resource ids', async () => {
  await using scene = await ManagedScene.create(MIXED);
  const imagePath = scene.disks.disks[0]?.imagePath ?? '';
  await using server = await blobServer([{ name: 'any', imagePath }]);
  const ended = await managed('--manifest', server.containerUrl({ permissions: 'c' }));
  assert.is(ended.exitCode, 0, `${ended.stdout}${ended.stderr}`);
  const container = new ContainerClient(server.containerUrl(), new AnonymousCredential());
  const found: Buffer[] = [];
  for await (const { name } of container.listBlobsFlat({ prefix: 'flashfreeze/' })) {
    found.push(await container.getBlobClient(name).downloadToBuffer());
  }
  assert.is(found.length, 1);
  const manifest = v.parse(manifestSchema, JSON.parse(String(found[0])));
  const snapshots = await scene.lab.snapshots();
  assert.equal(
    manifest.disks.map(({ snapshot, source, lun, device }) => [
      snapshot,
      source,
      String(lun),
      device,
    ]),
    summaryOf(ended).disks.map(({ snapshot, blob, device }) => {
      const tags = snapshots.find(({ id }) => id === snapshot)?.tags ?? {};
      return [snapshot, blob, tags['flashfreeze-lun'], device];
    }),
  );
  assert.equal(
    new Set(snapshots.map(({ tags }) => [tags['flashfreeze-run'], tags['flashfreeze-vm']].join())),
    new Set([[manifest.id, manifest.vm].join()]),
  );
});

test('a snapshot whose picture is taken late still shows the instant', async () => {
  const operation = { ...QUICK, durationMs: 1_500, pointInTime: 'end' } as const;
  await using scene = await ManagedScene.create(MIXED, { operation });
  const { ended, found } = await proveOnce(scene, () => managed());
  assert.is(ended.exitCode, 0, `${ended.stdout}${ended.stderr}`);
  assert.equal(found, CLEAN);
});

test('a tool that thaws when its requests are accepted fails the proof', async () => {
  const operation = { ...QUICK, durationMs: 1_500, pointInTime: 'end' } as const;
  await using scene = await ManagedScene.create(MIXED, { operation });
  const hook = join(import.meta.dirname, 'fixtures/thaw-at-202.ts');
  const { found } = await proveOnce(scene, () =>
    flashfreeze(['snapshot', '--managed', '--json'], {
      under: ['env', `NODE_OPTIONS=--import=${hook}`],
      program: SOURCE_PROGRAM,
    }),
  );
  assert.ok(found.cutViolations + found.needRecovery > 0, JSON.stringify(found));
});

test('a disk whose operation is slow holds only its own writers', async () => {
  await using scene = await ManagedScene.create([{ type: 'ext4' }, { type: 'xfs' }], {
    operation: QUICK,
  });
  await scene.lab.setOperation({ durationMs: 3_000 }, 'disk1');
  await using writers = await Writers.start(scene.disks.disks.map(({ mountPoint }) => mountPoint));
  const ended = await managed();
  const [quick, slow] = summaryOf(ended).fileSystems;
  await writers.stop();
  assert.is(ended.exitCode, 0, `${ended.stdout}${ended.stderr}`);
  assert.ok((slow?.windowMs ?? 0) > 2_900, JSON.stringify(slow));
  assert.ok((quick?.windowMs ?? 0) < (slow?.windowMs ?? 0), JSON.stringify(quick));
});

test('an operation that outlives its patience fails its disk, and its snapshot is deleted', async () => {
  await using scene = await ManagedScene.create([{ type: 'ext4' }, { type: 'xfs' }], {
    operation: QUICK,
  });
  await scene.lab.setOperation({ durationMs: 6_000 }, 'disk1');
  const ended = await managed('--timeout', '4');
  const summary = summaryOf(ended);
  assert.is(ended.exitCode, 1);
  assert.match(summary.problems.join('\n'), 'had not ended in time');
  const [orphan] = summary.orphans;
  assert.match(orphan?.snapshot ?? '', '/snapshots/lab-vm-disk1-lun0-');
  const left = (await scene.lab.snapshots()).map(({ disk }) => disk);
  assert.equal(left, ['disk0']);
});

test.run();
