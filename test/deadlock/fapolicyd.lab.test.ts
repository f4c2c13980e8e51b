/** The real fapolicyd decides about every open while a run freezes what it watches. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { enterLab } from '../../src/lab/namespace.ts';
import type { RunSummary } from '../../src/report/summary.ts';
import { flashfreeze } from '../commands/command-line.ts';
import { Rig } from '../commands/rig.ts';
import { suite } from '../suite.ts';
import { FapolicydProcess } from './fapolicyd-process.ts';
import { Openers } from './openers.ts';

await enterLab({ lifetimeSeconds: 600, commands: ['fapolicyd', 'python3'] });

const test = suite('fapolicyd');
const RULES = ['deny_audit perm=open exe=/usr/bin/head : all', 'allow perm=any all : all'];
const WATCHDOG_SECONDS = 60;

/** Opens what it needs now: later an open may wait for fapolicyd. */
const THAW_LATER = `import fcntl, os, sys, time
opened = [os.open(it, os.O_RDONLY) for it in sys.argv[2:]]
print("ready", flush=True)
time.sleep(int(sys.argv[1]))
print("awake", flush=True)
for _ in range(100):
    for it in opened:
        try:
            fcntl.ioctl(it, 0xc0045878)
        except OSError:
            pass
    time.sleep(0.1)`;

/** Thaws after a time, without a single open. */
class ThawLater implements AsyncDisposable {
  readonly #child: ChildProcess;
  isAsleep = true;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.on('data', (chunk: Buffer) => {
      this.isAsleep &&= !chunk.includes('awake');
    });
  }

  static async start(mountPoints: readonly string[]): Promise<ThawLater> {
    const args = ['-c', THAW_LATER, String(WATCHDOG_SECONDS), ...mountPoints];
    const child = spawn('python3', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    return new ThawLater(child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}

/** fapolicyd refuses what its rules deny, so it is at work. */
function assertWatches(mountPoint: string): void {
  const { status, stderr } = spawnSync('head', [join(mountPoint, 'truncated0')]);
  assert.is(status, 1);
  assert.match(String(stderr), 'Operation not permitted');
}

test('what it watches is frozen and thawed, and opens go on afterwards', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }, { type: 'xfs' }]);
  const mountPoints = rig.disks.disks.map(({ mountPoint }) => mountPoint);
  await using watchdog = await ThawLater.start(mountPoints);
  await using daemon = await FapolicydProcess.start(RULES, ['--debug-deny'], '/dev/null');
  await using openers = await Openers.start(mountPoints[0] ?? '');
  assertWatches(mountPoints[0] ?? '');
  const { exitCode, stdout, stderr } = await flashfreeze([
    ...['snapshot', ...rig.blobArguments, '--json'],
  ]);
  assert.is(exitCode, 0, stderr);
  const { consistency, disks } = JSON.parse(stdout) as RunSummary;
  assert.is(consistency, 'fileSystemConsistent');
  assert.ok(disks.every(({ showsInstant }) => showsInstant));
  await openers.progress();
  assert.ok(daemon.isRunning);
  assert.ok(watchdog.isAsleep);
});

test('if it logs every decision to a file system that it watches, the run ends by itself and nothing stays frozen', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }, { type: 'ext4' }]);
  const mountPoints = rig.disks.disks.map(({ mountPoint }) => mountPoint);
  const [watched = '', logged = ''] = mountPoints;
  await using watchdog = await ThawLater.start(mountPoints);
  await using daemon = await FapolicydProcess.start(RULES, ['--debug'], join(logged, 'log'));
  await using openers = await Openers.start(watched);
  assertWatches(watched);
  const { stdout, stderr } = await flashfreeze([
    ...['snapshot', ...rig.blobArguments, '--timeout', '20', '--json'],
  ]);
  const { warnings } = JSON.parse(stdout) as RunSummary;
  assert.match(warnings.join('\n'), `pid ${daemon.pid}`, stderr);
  await openers.progress();
  assert.ok(daemon.isRunning);
  assert.ok(watchdog.isAsleep, stderr);
});

test.run();
