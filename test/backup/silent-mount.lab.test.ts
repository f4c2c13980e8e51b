/** A file system whose only mount point lies on a FUSE mount that no longer answers. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import { LabDisks } from '../../src/lab/disks.ts';
import { untilDetached } from '../../src/lab/loop-devices.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { unmount } from '../../src/lab/unmount.ts';
import { MAIN } from '../commands/command-line.ts';
import { SERVED_IMAGE, ServedImage } from '../deadlock/served-image.ts';
import { suite } from '../suite.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('mount point that does not answer');
/** A process that opens it blocks. */
const COMMAND_LIMIT_MS = 120_000;
/** Of the file system that is left out. */
const SILENT = SERVED_IMAGE;

/** One that answers, and one that does not until the end. */
async function withSilentMount(
  use: (mountPoint: string) => Promise<void>,
  withImage = false,
): Promise<void> {
  await using lab = await LabDisks.create([{ type: 'ext4' }, { type: 'ext4' }]);
  const [good, bad] = lab.disks;
  await using resources = new AsyncDisposableStack();
  await writeFile('/lab/content', 'x'.repeat(4096));
  const served = resources.use(await ServedImage.create('/lab/content'));
  const mountPoint = bad?.mountPoint ?? '';
  await runCommand('truncate', ['-s', '20M', join(mountPoint, 'file')]);
  await runCommand('mkfs.ext4', ['-q', '-F', join(mountPoint, 'file')]);
  await runCommand('mount', ['--bind', join(mountPoint, 'file'), SILENT]);
  resources.defer(() => unmount(SILENT));
  await unmount(mountPoint);
  resources.defer(async () => void (await runCommand('mount', [bad?.device ?? '', mountPoint])));
  if (withImage) {
    await mkdir('/lab/nested', { recursive: true });
    await runCommand('mount', ['-o', 'loop', SILENT, '/lab/nested']);
    const device = await runCommand('findmnt', ['-no', 'SOURCE', '/lab/nested']);
    resources.defer(async () => {
      await unmount('/lab/nested');
      // Until its last reader goes the file's own file system cannot be unmounted.
      await untilDetached({ device, imagePath: SILENT });
    });
  }
  resources.use(served.stop());
  await use(good?.mountPoint ?? '');
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(...args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'], cwd: '/' });
}

/** Fails if the command does not end. */
async function run(...args: readonly string[]): Promise<Ended> {
  const child = start(...args);
  const limit = setTimeout(() => child.kill('SIGKILL'), COMMAND_LIMIT_MS);
  const { stdout, stderr } = child;
  const said = Promise.all([stdout && text(stdout), stderr && text(stderr)]);
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  clearTimeout(limit);
  assert.is(signal, null, `${args.join(' ')} did not end`);
  const [out, err] = await said;
  return { code, stdout: out ?? '', stderr: err ?? '' };
}

test('is left out and named by plan, doctor and freeze; the others are frozen', async () => {
  await withSilentMount(async (mountPoint) => {
    const plan = await run('plan', '--json');
    const { excluded, fileSystems } = JSON.parse(plan.stdout) as {
      excluded: { mountPoint: string; reason: string }[];
      fileSystems: { mountPoint: string }[];
    };
    assert.is(excluded.find((it) => it.mountPoint === SILENT)?.reason, 'no-answer');
    assert.equal(
      fileSystems.map((it) => it.mountPoint),
      [mountPoint],
    );
    const doctor = await run('doctor');
    assert.match(doctor.stdout, `${SILENT} (ext4) is not frozen, because its mount point`);
    const freeze = await run('freeze', '--timeout', '5', '--', 'true');
    assert.match(freeze.stderr, `${SILENT} (ext4) is not frozen, because its mount point`);
  });
});

test('does not prevent a signal from ending a run that waits for it', async () => {
  await withSilentMount(async () => {
    const child = start('freeze', '--mount', SILENT, '--', 'true');
    const limit = setTimeout(() => child.kill('SIGKILL'), COMMAND_LIMIT_MS);
    // Once its helper process exists, the run has begun to open the mount point.
    await once(child, 'spawn');
    setTimeout(() => child.kill('SIGTERM'), 1_500);
    const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
    clearTimeout(limit);
    assert.is.not(signal, 'SIGKILL', 'deaf to SIGTERM');
  });
});

test('does not block the emergency exit either', async () => {
  await withSilentMount(async () => {
    const { code, stderr } = await run('thaw', '--all');
    assert.is(code, 1);
    assert.match(stderr, `${SILENT}: could not be thawed (its mount point does not answer)`);
  });
});

test('does not block the plan if the image of another file system lies on it', async () => {
  await withSilentMount(async () => {
    const plan = await run('plan', '--json');
    const { excluded } = JSON.parse(plan.stdout) as { excluded: { mountPoint: string }[] };
    assert.ok(excluded.some((it) => it.mountPoint === SILENT));
  }, true);
});

test.run();
