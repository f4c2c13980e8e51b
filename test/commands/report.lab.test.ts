import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { VM_BACKUP_CONFIGURATION_PATH } from '../../src/config/vmbackup.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { unmount } from '../../src/lab/unmount.ts';
import type { PlanSummary } from '../../src/report/plan-summary.ts';
import { RUN_FOLDER, readRunFile, runFilesIn } from '../../src/report/run-folder.ts';
import { runListSchema } from '../../src/report/schemas/run-list.ts';
import { suite } from '../suite.ts';
import { flashfreeze, MAIN } from './command-line.ts';
import { Rig } from './rig.ts';

await enterLab({ lifetimeSeconds: 600 });
// The lab begins with a view of the machine's own; what is done to it stays in the lab.
await rm(RUN_FOLDER, { recursive: true, force: true });

const test = suite('flashfreeze report');
const MIXED = [{ type: 'ext4' }, { type: 'xfs' }, { type: 'btrfs' }] as const;

test('says where it looked while there is no run', async () => {
  const ended = await flashfreeze(['report']);
  assert.is(ended.exitCode, 2);
  assert.match(ended.stderr, '/var/log/flashfreeze/runs');
  assert.match((await flashfreeze(['report', '--list'])).stdout, 'no runs in');
});

test('every run leaves its timeline: as text, page and trace, without a secret', async () => {
  await using rig = await Rig.create(MIXED, 20);
  const ran = await flashfreeze(['snapshot', ...rig.blobArguments]);
  assert.is(ran.exitCode, 0, ran.stderr);
  const [path = ''] = await runFilesIn();
  assert.match(ran.stderr, `flashfreeze report ${path}`);
  const { timeline, summary } = await readRunFile(path);
  assert.is(summary?.consistency, 'fileSystemConsistent');
  for (const { settle, freezes } of timeline?.fileSystems ?? []) {
    assert.is(freezes.length, 1);
    const [freeze] = freezes;
    const stamps = [...(settle ?? []), freeze?.startMs, freeze?.frozenMs, ...(freeze?.thaw ?? [])];
    assert.is(stamps.length, 6);
    assert.equal(
      stamps,
      stamps.toSorted((a, b) => Number(a) - Number(b)),
    );
  }
  for (const { request } of timeline?.disks ?? []) {
    assert.ok((request?.[1] ?? 0) - (request?.[0] ?? 0) >= 20);
  }
  assert.not.match(await readFile(path, 'utf8'), 'sig=');

  assert.match(ran.stderr.split('\n')[0] ?? '', `on ${hostname()}: snapshot, run `);
  const { stdout: text } = await flashfreeze(['report']);
  assert.ok(text.startsWith(`snapshot on ${hostname()}, `), text);
  assert.match(text, 'fileSystemConsistent: 3 of 3 snapshots');
  assert.match((await flashfreeze(['report', '--list'])).stdout, 'fileSystemConsistent (1)');
  assert.equal(
    JSON.parse((await flashfreeze(['report', '--json'])).stdout),
    await readRunFile(path),
  );
  const listed = JSON.parse((await flashfreeze(['report', '--list', '--json'])).stdout) as unknown;
  assert.is(v.safeParse(runListSchema, listed).success, true);
  assert.match(JSON.stringify(listed), path);
  const files = ['-o', '/lab/run.html', '--trace', '/lab/run.json'];
  assert.is((await flashfreeze(['report', path, ...files])).exitCode, 0);
  assert.match(await readFile('/lab/run.html', 'utf8'), rig.disks.disks[2]?.mountPoint ?? '');
  const trace = JSON.parse(await readFile('/lab/run.json', 'utf8')) as { traceEvents: unknown[] };
  assert.ok(trace.traceEvents.length > 10);
});

test('a disk that the service refused has its end in the kept run, and is the cause in text and page', async () => {
  await using rig = await Rig.create(MIXED, 20);
  const fault = { kind: 'status', status: 403, code: 'AuthorizationPermissionMismatch' } as const;
  await rig.server.setFault({ blob: 'disk1', at: 'request', fault });
  const ran = await flashfreeze(['snapshot', ...rig.blobArguments]);
  assert.is(ran.exitCode, 1, ran.stderr);
  assert.match(ran.stdout, '✗ Not usable: 1 of 3 disks refused (disk1)');
  const [path = ''] = await runFilesIn();
  const { timeline, summary } = await readRunFile(path);
  const [from = 0, to = 0] = timeline?.disks[1]?.request ?? [];
  assert.ok(to > from);
  assert.ok((summary?.disks[1]?.latencyMs ?? 0) > 0);
  const { stdout } = await flashfreeze(['report', path, '-o', '-']);
  assert.match(stdout, 'Not usable: 1 of 3 disks refused (disk1)');
});

test('so does one that ended before anything was frozen, and a command in the window', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  const missing = rig.server.containerUrl().replace('?', '/nowhere?');
  await flashfreeze(['snapshot', '--blob', missing]);
  assert.match((await flashfreeze(['report'])).stdout, 'FF_BLOB_NOT_FOUND');
  await flashfreeze(['freeze', '--', 'true']);
  await flashfreeze(['freeze', '--no-timeline', '--', 'false']);
  const [path = ''] = await runFilesIn();
  assert.match(path, '-freeze-');
  const { stdout } = await flashfreeze(['report', path]);
  assert.match(stdout, '✓ true ended with exit code 0, and everything was frozen all the time');
  assert.not.match(stdout, 'snapshots');
  assert.match((await flashfreeze(['report', path, '-o', '-'])).stdout, '<!doctype html>');
});

test('a scheduled start leaves how late it was; one that could not be kept is said', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  const startedAt = async (seconds: number) => {
    const at = new Date(Date.now() + seconds * 1_000).toISOString();
    const ended = await flashfreeze(['snapshot', ...rig.blobArguments, '--at', at]);
    assert.is(ended.exitCode, 0, ended.stderr);
    const [path = ''] = await runFilesIn();
    const scheduled = (await readRunFile(path)).timeline?.scheduled;
    assert.is(scheduled?.at, at);
    return { lateMs: scheduled?.lateMs ?? Number.NaN, stderr: ended.stderr };
  };
  const kept = await startedAt(4);
  // Clocks are slewed meanwhile.
  assert.ok(kept.lateMs > -1, `${kept.lateMs} ms`);
  const missed = await startedAt(-1);
  assert.ok(missed.lateMs > 1_000);
  assert.match(missed.stderr, /the freeze started \d+\.\d s late \(scheduled for .*\)/);
});

test('the result is printed before a disk is written to that somebody else has frozen', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  const mountPoint = rig.disks.disks[0]?.mountPoint ?? '';
  await mkdir(RUN_FOLDER, { recursive: true });
  await runCommand('mount', ['--bind', mountPoint, RUN_FOLDER]);
  await runCommand('fsfreeze', ['--freeze', mountPoint]);
  let isThawed = false;
  const thaw = async (): Promise<void> => {
    if (!isThawed) {
      isThawed = true;
      await runCommand('fsfreeze', ['--unfreeze', mountPoint]);
    }
  };
  try {
    const child = spawn(process.execPath, [MAIN, 'snapshot', ...rig.blobArguments], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const ended = once(child, 'exit');
    let printed = '';
    for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
      printed += String(chunk);
      if (printed.includes('is already frozen by another tool')) {
        break;
      }
    }
    assert.is(child.exitCode, null);
    await thaw();
    assert.equal(await ended, [1, null]);
  } finally {
    await thaw();
    await unmount(RUN_FOLDER);
  }
});

test('metrics are told of every run, whether its timeline is kept or not, each origin by itself', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  await mkdir(dirname(VM_BACKUP_CONFIGURATION_PATH), { recursive: true });
  const metrics = '/lab/flashfreeze.prom';
  const of = async (origin: string): Promise<string[]> =>
    (await readFile(metrics, 'utf8')).split('\n').filter((it) => it.includes(`="${origin}"`));
  await writeFile(VM_BACKUP_CONFIGURATION_PATH, `[Flashfreeze]\nmetricsFile = ${metrics}\n`);
  try {
    const ran = await flashfreeze(['snapshot', ...rig.blobArguments]);
    assert.is(ran.exitCode, 0, ran.stderr);
    const backup = await of('command');
    const at = `{host="${hostname()}",origin="command"`;
    const [end] = backup.filter((it) => it.includes('credential_end')) ?? [];
    const sas = new URL(rig.server.urls[0] ?? '').searchParams.get('se') ?? '';
    assert.is(
      end,
      `flashfreeze_credential_end_timestamp_seconds${at},kind="sas"} ${Date.parse(sas) / 1_000}`,
    );
    assert.ok(backup.includes(`flashfreeze_last_run_set_complete${at}} 1`));
    for (const [command, success] of [
      ['true', 1],
      ['false', 0],
    ] as const) {
      await flashfreeze(['freeze', '--no-timeline', '--', command]);
      assert.match((await of('freeze')).join('\n'), `"freeze"} ${success}\n`);
      assert.equal(await of('command'), backup);
    }
    const isSuccess = (line: string): boolean => line.includes('last_success_timestamp');
    await flashfreeze(['snapshot', '--blobs-from', '/nowhere/blobs.txt']);
    assert.match((await of('command')).join('\n'), `last_run_success${at}} 0`);
    assert.equal((await of('command')).filter(isSuccess), backup.filter(isSuccess));
  } finally {
    await rm(VM_BACKUP_CONFIGURATION_PATH);
  }
});

test('a run whose options were refused is kept: a scheduled one may have lost its file', async () => {
  for (const [command, code] of [
    [['snapshot', '--blobs-from', '/nowhere/blobs.txt'], 'FF_USAGE'],
    [['freeze', '--', '/nowhere/command'], 'FF_COMMAND_NOT_FOUND'],
  ] as const) {
    const ended = await flashfreeze(command);
    assert.match(ended.stderr, code);
    const { error, origin, summary } = await readRunFile((await runFilesIn())[0] ?? '');
    assert.equal([error?.code, origin, summary], [code, command[0], null]);
  }
});

test('the next plan goes by what earlier runs took', async () => {
  await using rig = await Rig.create(MIXED, 20);
  await flashfreeze(['snapshot', ...rig.blobArguments, '--quiet']);
  const { stdout } = await flashfreeze(['plan', '--json']);
  const { expectedWindow } = JSON.parse(stdout) as PlanSummary;
  assert.match(expectedWindow.reasons.join(), 'complete runs over 3 file systems');
  assert.ok(expectedWindow.low >= 20);
});

test('refuses what is no run, and a file that cannot be written', async () => {
  const none = await flashfreeze(['report', '/etc/passwd']);
  assert.is(none.exitCode, 2);
  assert.match(none.stderr, 'FF_RUN_FILE_INVALID');
  const [path = ''] = await runFilesIn();
  const written = await readFile(path, 'utf8');
  await writeFile(path, '{"format":"flashfreeze-run/2"}');
  const listed = await flashfreeze(['report', '--list']);
  assert.match(listed.stdout, /of another version/);
  const { stdout } = await flashfreeze(['report', '--list', '--json']);
  const { runs } = v.parse(runListSchema, JSON.parse(stdout));
  assert.is(runs.find((run) => run.path === path)?.error, 'FF_RUN_FILE_VERSION');
  await writeFile(path, written);
  const unwritable = await flashfreeze(['report', path, '-o', '/nowhere/run.html']);
  assert.is(unwritable.exitCode, 2);
  assert.match(unwritable.stderr, 'ENOENT');
});

test.run();
