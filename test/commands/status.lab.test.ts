import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { enterLab } from '../../src/lab/namespace.ts';
import { type CommandResult, runCommand, tryCommand } from '../../src/lab/run-command.ts';
import { RUN_FOLDER } from '../../src/report/run-folder.ts';
import { stampOf } from '../../src/report/run-times.ts';
import { statusReportSchema } from '../../src/report/schemas/status-report.ts';
import type { StatusReport } from '../../src/status/judge-status.ts';
import { suite } from '../suite.ts';
import { flashfreeze, MAIN } from './command-line.ts';
import { Rig } from './rig.ts';

await enterLab({ lifetimeSeconds: 600 });
// The lab begins with a view of the machine's own; what is done to it stays in the lab.
await rm(RUN_FOLDER, { recursive: true, force: true });
await rm('/var/log/azure', { recursive: true, force: true });

const test = suite('flashfreeze status');

async function statusAsJson(...options: readonly string[]): Promise<StatusReport> {
  const { stdout } = await flashfreeze(['status', '--json', ...options]);
  return v.parse(statusReportSchema, JSON.parse(stdout));
}

test('is critical before the first run, ok after a good one, and a warning after a failure', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }, { type: 'xfs' }]);
  const none = await flashfreeze(['status']);
  assert.is(none.exitCode, 2);
  assert.match(none.stdout, /^FLASHFREEZE CRITICAL - no run has left its file on this machine$/m);

  await flashfreeze(['freeze', '--', 'true']);
  assert.is((await flashfreeze(['status'])).exitCode, 2);

  const ran = await flashfreeze(['snapshot', ...rig.blobArguments]);
  assert.is(ran.exitCode, 0, ran.stderr);
  const good = await flashfreeze(['status']);
  assert.is(good.exitCode, 0, good.stdout);
  assert.match(
    good.stdout,
    /^FLASHFREEZE OK - the last success is 0\.0 h old: fileSystemConsistent, 2 of 2 snapshots \| age=\d+s;;93600;0 window=[\d.]+s;;;0 snapshots=2;;;0;2 unprotected=0;0;;0$/m,
  );
  assert.match(good.stdout, `latest runs on ${hostname()}:`);
  const report = await statusAsJson();
  assert.equal([report.status, report.findings], ['ok', []]);
  assert.equal(
    report.runs.map(({ origin, result, unprotected }) => [origin, result, unprotected]),
    [['snapshot', 'success', 0]],
  );

  await flashfreeze(['snapshot', '--blobs-from', '/nowhere/blobs.txt']);
  const after = await flashfreeze(['status']);
  assert.is(after.exitCode, 1);
  assert.match(after.stdout, /^FLASHFREEZE WARNING - the last run failed: .*\(FF_USAGE\) \| age=/);

  const old = await flashfreeze(['status', '--max-age', '0.000001']);
  assert.is(old.exitCode, 2);
  assert.match(old.stdout, /^FLASHFREEZE CRITICAL - the last success is 0\.?\d* h old/);
});

test('knows the runs of the extension too', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  await flashfreeze(['snapshot', ...rig.blobArguments]);
  const { runs } = await statusAsJson();
  const folder = '/var/log/azure/Some.Publisher.SnapshotLinux/runs';
  await mkdir(folder, { recursive: true });
  const { stdout } = await flashfreeze(['report', '--json', runs[0]?.path ?? '']);
  const run = { ...JSON.parse(stdout), origin: 'extension', taskId: 'of-the-extension' };
  const name = `${stampOf(new Date().toISOString())}-extension-1.json`;
  await writeFile(join(folder, name), JSON.stringify(run));
  assert.is((await statusAsJson()).runs[0]?.restorePoint, 'of-the-extension');
  assert.is((await statusAsJson('--folder', folder)).runs.length, 1);
  const ahead = '20991122T083810123Z-extension-1.json';
  await writeFile(
    join(folder, ahead),
    JSON.stringify({ ...run, taskId: 'ahead', writtenAt: '2099-11-22T08:38:10.123Z' }),
  );
  const report = await statusAsJson('--folder', folder);
  assert.equal(
    report.runs.map(({ restorePoint }) => restorePoint),
    ['of-the-extension', 'ahead'],
  );
  assert.equal([report.status, report.findings.map(({ id }) => id)], ['warning', ['clock']]);
  await rm(join(folder, ahead));
  await writeFile(join(folder, name), '{}');
  assert.equal(
    (await statusAsJson('--folder', folder)).findings.map(({ id }) => id),
    ['no-run', 'damaged-record'],
  );
  await rm(folder, { recursive: true });
});

test('is unknown without root, and for a wrong command line, as monitoring systems have it', async () => {
  const asOther = await asOtherUser();
  const denied = await asOther('status');
  assert.is(denied.code, 3, denied.stdout);
  assert.match(
    denied.stdout,
    /^FLASHFREEZE UNKNOWN - .*run this command with sudo \(FF_NOT_ROOT\)$/m,
  );
  const asJson = await asOther('status', '--json');
  assert.is(asJson.code, 3);
  assert.is((JSON.parse(asJson.stdout) as { code: string }).code, 'FF_NOT_ROOT');
  const wrong = await flashfreeze(['status', '--max-age', 'x']);
  assert.is(wrong.exitCode, 3);
  assert.match(wrong.stdout, 'FLASHFREEZE UNKNOWN - --max-age x: expected hours');
  assert.is((await flashfreeze(['status', '--max-aeg', '3'])).exitCode, 3);
  assert.is((await flashfreeze(['status', '--help'])).exitCode, 0);
});

/** Runs the program as a user who may read it, wherever the checkout is, but not what runs have left. */
async function asOtherUser(): Promise<(...args: readonly string[]) => Promise<CommandResult>> {
  const checkout = join(import.meta.dirname, '../..');
  const seen = '/lab/checkout';
  await mkdir(seen);
  await runCommand('mount', ['--bind', checkout, seen]);
  await chmod('/lab', 0o755);
  const node = process.execPath.replace(checkout, seen);
  return (...args) =>
    tryCommand('setpriv', [
      ...['--reuid=65534', '--regid=65534', '--clear-groups', '--'],
      ...[node, MAIN.replace(checkout, seen), ...args],
    ]);
}

test.run();
