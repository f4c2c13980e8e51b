/** The real command in every deadlock: it ends, reports what happened, and all processes continue. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { BlobServer } from '../../src/lab/blob-server/blob-server.ts';
import { LabDisks } from '../../src/lab/disks.ts';
import { LAB_TLS } from '../../src/lab/lab-paths.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import type { RunSummary } from '../../src/report/summary.ts';
import { type Ended, flashfreeze, type RunOptions } from '../commands/command-line.ts';
import { STRACE_IOCTLS } from '../faults/strace.ts';
import { suite } from '../suite.ts';
import type { DeadlockScenario, ScenarioDisk } from './scenario.ts';
import {
  cycle,
  imageOnFrozen,
  logElsewhere,
  type ScenarioFactory,
  selfWatch,
  servedImage,
} from './scenarios.ts';
import { getsStuck } from './stuck-freeze.ts';

await enterLab();

const test = suite('snapshot in a deadlock');
/** Of the server. */
const LATENCY_MS = 20;

interface Ran extends Ended {
  readonly summary: RunSummary;
}

/** Seconds: a freeze that is stuck is broken off soon. */
const SHORT_WAVE = 1;
/** Of a freeze that does not get stuck: on a busy machine it could take longer than the short limit. */
const LONG_WAVE = 30;
/** What a stuck freeze waits for is looked at when it has used up most of the short limit. */
const LOOKED_AT_MS = 4_000;
/** Now and then a freeze succeeds by chance. */
const MOST_TRIES = 10;

/** The lab's own file: nothing that is written here reaches the machine. */
function configure(waveLimit: number, ...settings: readonly string[]): void {
  mkdirSync('/etc/azure', { recursive: true });
  const lines = ['[Flashfreeze]', `waveLimit = ${waveLimit}`, ...settings, ''];
  writeFileSync('/etc/azure/vmbackup.conf', lines.join('\n'));
}

async function snapshot(
  { disks }: { readonly disks: readonly ScenarioDisk[] },
  latencyMs: number,
  options: RunOptions = {},
): Promise<Ran> {
  const isDisk = ({ imagePath }: ScenarioDisk): boolean =>
    !disks.some(({ mountPoint }) => imagePath.startsWith(`${mountPoint}/`));
  await using server = await BlobServer.start({
    blobs: disks
      .filter(isDisk)
      .map(({ imagePath }, index) => ({ name: `disk${index}`, imagePath })),
    latency: { kind: 'fixed', ms: latencyMs },
    snapshotContent: 'none',
    certificate: {
      caPath: LAB_TLS.caCertificate,
      certPath: LAB_TLS.certificate,
      keyPath: LAB_TLS.key,
    },
  });
  const blobs = server.urls.flatMap((url) => ['--blob', url]);
  const ended = await flashfreeze(['snapshot', ...blobs, '--no-settle', '--json'], options);
  return { ...ended, summary: JSON.parse(ended.stdout) as RunSummary };
}

async function inScenario(
  make: ScenarioFactory,
  check: (ran: Ran, scenario: DeadlockScenario) => Promise<void> | void,
): Promise<void> {
  await using scenario = await make();
  await scenario.dirty(scenario.disks.length - 1);
  const ran = await snapshot(scenario, LATENCY_MS);
  await check(ran, scenario);
}

async function assertAllGoOn(scenario: DeadlockScenario): Promise<void> {
  await scenario.goesOn();
  assert.ok(scenario.watchdog.isAsleep);
  assert.ok(scenario.permissionDaemon?.isRunning ?? true);
}

/** A run that could not break it: 122, and the message names the file system, the phase and the tasks. */
function assertNamed({ exitCode, summary, stderr }: Ran, scenario: DeadlockScenario): void {
  assert.is(exitCode, 1);
  assert.is(summary.code, 122);
  const text = `${JSON.stringify(summary)}${stderr}`;
  assert.ok(scenario.disks.some(({ mountPoint }) => text.includes(mountPoint)));
  assert.match(text, 'is stuck');
  assert.match(text, `pid ${scenario.permissionDaemon?.pid}`);
}

for (const [name, make] of [
  ['an image on another file system', imageOnFrozen],
  ['a permission daemon with an open log', logElsewhere('keep')],
  ['an image behind a FUSE daemon with an open log', servedImage('keep')],
  ['an image behind a FUSE daemon whose log is not open', servedImage('reopen')],
] as const) {
  test(`${name} is seen beforehand: consistent at the first attempt`, async () => {
    configure(LONG_WAVE);
    await inScenario(make, async ({ exitCode, summary, stderr }, scenario) => {
      assert.is(exitCode, 0, stderr);
      assert.is(summary.consistency, 'fileSystemConsistent');
      assert.not.match(stderr, 'stuck');
      await assertAllGoOn(scenario);
      assert.is(scenario.openers?.refused ?? 0, 0);
    });
  });
}

test('a permission daemon that could not be seen: the freeze is broken, the second attempt succeeds or says why not', async () => {
  configure(SHORT_WAVE);
  await inScenario(logElsewhere('reopen'), async (ran, scenario) => {
    if (ran.exitCode === 0) {
      assert.is(ran.summary.consistency, 'fileSystemConsistent');
    } else {
      assertNamed(ran, scenario);
    }
    await assertAllGoOn(scenario);
  });
});

test('a request that is under way when the first attempt is broken off may leave a snapshot, and that is told', async () => {
  configure(SHORT_WAVE);
  await using lab = await LabDisks.create([{ type: 'ext4' }, { type: 'ext4' }]);
  // The first FIFREEZE of the second file system is made late; meanwhile the request of the first disk leaves.
  const under = [
    ...[...STRACE_IOCTLS, '-o', '/tmp/stuck.log', '-P', lab.disks[1]?.mountPoint ?? ''],
    ...['-e', 'inject=ioctl:delay_enter=4000000:when=1'],
  ];
  // The answer takes longer than the limit of a wave, so it is not in by then.
  const { summary, stderr } = await snapshot(lab, 2_500, { under });
  assert.is(summary.freezeAttempts, 2, stderr);
  assert.match(
    summary.warnings.join(),
    /disk0: the answer to a request of an attempt that was broken off was lost/,
  );
});

for (const [name, make] of [
  ['a cycle', cycle],
  ['a daemon that logs to what it watches', selfWatch],
] as const) {
  for (const lastLever of ['deny', 'allow'] as const) {
    test(`${name}: with ${lastLever} the command ends, and all processes continue`, async () => {
      configure(SHORT_WAVE, `lastLever = ${lastLever}`);
      await inScenario(make, async (ran, scenario) => {
        if (ran.exitCode !== 0) {
          assertNamed(ran, scenario);
        }
        await assertAllGoOn(scenario);
        assert.ok(lastLever === 'deny' || scenario.openers?.refused === 0);
      });
    });
  }
}

test('with retryStuckFreeze = False a broken freeze is not tried again', async () => {
  configure(SHORT_WAVE, 'retryStuckFreeze = False');
  await inScenario(selfWatch, async (ran, scenario) => {
    assert.is(ran.summary.freezeAttempts, 1);
    if (ran.exitCode !== 0) {
      assertNamed(ran, scenario);
    }
    await assertAllGoOn(scenario);
  });
});

/** Wakes the watchdog when the freeze is stuck and has been looked at; resolves to whether it had to. */
async function wakeWhenStuck(pid: number, { watchdog }: DeadlockScenario): Promise<boolean> {
  if (!(await getsStuck(pid))) {
    return false;
  }
  await delay(LOOKED_AT_MS);
  const wasAsleep = watchdog.isAsleep;
  watchdog.wake();
  return wasAsleep;
}

/** @returns whether the freeze got stuck */
async function blocksUntilWoken(): Promise<boolean> {
  await using scenario = await selfWatch();
  await scenario.dirty(0);
  let woken: Promise<boolean> | undefined;
  let hasEnded = false;
  const { summary } = await snapshot(scenario, LATENCY_MS, {
    started: (pid = 0) => {
      woken = wakeWhenStuck(pid, scenario).then((isWoken) => isWoken && !hasEnded);
    },
  });
  hasEnded = true;
  if ((await woken) !== true) {
    return false;
  }
  assert.match(JSON.stringify(summary), 'is stuck');
  return true;
}

test('without the last lever a daemon that logs to what it watches blocks the command until the watchdog acts', async () => {
  configure(SHORT_WAVE, 'lastLever = off');
  for (let tries = 1; !(await blocksUntilWoken()); tries += 1) {
    assert.ok(
      tries < MOST_TRIES,
      'no freeze got stuck, or every one was released by something else',
    );
  }
});

test.run();
