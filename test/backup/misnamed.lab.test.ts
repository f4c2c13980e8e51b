import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { enterLab } from '../../src/lab/namespace.ts';
import { runSummarySchema } from '../../src/report/schemas/run-summary.ts';
import type { RunSummary } from '../../src/report/summary.ts';
import { type Ended, flashfreeze } from '../commands/command-line.ts';
import { Rig } from '../commands/rig.ts';
import { suite } from '../suite.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('blobs named for the wrong disk');
const SLOW_MS = 400;

/** Two disks, of which the second one's blob answers late. */
async function rigWithSlowBlob(): Promise<Rig> {
  const rig = await Rig.create([{ type: 'ext4' }, { type: 'ext4' }]);
  await rig.server.setLatency('disk1', { kind: 'fixed', ms: SLOW_MS });
  return rig;
}

/** `--disk` for every disk, with the blob of that index. */
function named({ disks, server }: Rig, blobs: readonly number[]): string[] {
  return disks.disks.flatMap(({ device }, index) => [
    '--disk',
    `${device}=${server.urls[blobs[index] ?? 0]}`,
  ]);
}

function summaryOf({ stdout }: Ended): RunSummary {
  return v.parse(runSummarySchema, JSON.parse(stdout));
}

function windowOf({ fileSystems }: RunSummary, rig: Rig, disk: number): number {
  const { mountPoint } = rig.disks.disks[disk] ?? {};
  return fileSystems.find((it) => it.mountPoint === mountPoint)?.windowMs ?? Number.NaN;
}

test('plan shows blobs that are named for the wrong disk, and that a run would refuse them', async () => {
  await using rig = await rigWithSlowBlob();
  const { stdout, exitCode } = await flashfreeze(['plan', ...named(rig, [1, 0])]);
  assert.is(exitCode, 1);
  assert.match(
    stdout.replaceAll(/\s+/g, ' '),
    /disk1 to a disk: it was named for loop\d+, but .* its content is/,
  );
  assert.match(stdout, 'FF_BLOB_MISMATCH');
  assert.not.match(stdout, 'sig=');
});

test('named correctly: no warning, and only the slow one waits', async () => {
  await using rig = await rigWithSlowBlob();
  const summary = summaryOf(await flashfreeze(['snapshot', ...named(rig, [0, 1]), '--json']));
  assert.equal(summary.warnings, []);
  assert.ok(windowOf(summary, rig, 1) > SLOW_MS / 2);
  assert.ok(windowOf(summary, rig, 0) < windowOf(summary, rig, 1));
});

test('swapped: the run is refused with the name of each blob before anything is frozen', async () => {
  await using rig = await rigWithSlowBlob();
  const ended = await flashfreeze(['snapshot', ...named(rig, [1, 0])]);
  assert.is(ended.exitCode, 2);
  assert.match(ended.stderr, 'FF_BLOB_MISMATCH');
  assert.match(ended.stderr, 'Nothing was frozen');
  assert.not.match(ended.stderr, 'sig=');
});

test('snapshot and plan report a frozen disk without a blob', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }, { type: 'xfs' }]);
  const [url = ''] = rig.server.urls;
  const ended = await flashfreeze(['snapshot', '--blob', url, '--json']);
  assert.is(ended.exitCode, 1, ended.stderr);
  const { problems } = summaryOf(ended);
  assert.is(problems.length, 1);
  assert.match(problems[0] ?? '', `no blob is given for ${rig.disks.disks[1]?.device} `);
  const { stdout } = await flashfreeze(['plan', '--blob', url]);
  assert.ok(stdout.replaceAll(/\s+/g, ' ').includes(problems[0] ?? ''));
  const { mountPoint = '' } = rig.disks.disks[1] ?? {};
  const whole = summaryOf(
    await flashfreeze(['snapshot', '--blob', url, '--skip', mountPoint, '--json']),
  );
  assert.equal(whole.warnings, []);
});

test.run();
