import { constants } from 'node:os';
import * as assert from 'uvu/assert';
import type { RequestFault } from '../../src/lab/blob-server/model.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import type { RunSummary } from '../../src/report/summary.ts';
import { FileLock } from '../../src/system/file-lock.ts';
import { Rig } from '../commands/rig.ts';
import { suite } from '../suite.ts';
import { GUARDIAN, guardianOf, processes } from './processes.ts';
import { type Ending, RunningCommand } from './running-command.ts';
import { assertNoSecret } from './secrets.ts';
import { LAST_CHECK } from './server-fault-cases.ts';
import { freezesIn, STRACE_IOCTLS } from './strace.ts';
import { untilRequested } from './watch-requests.ts';
import { probesOf } from './write-probe.ts';

await enterLab({ lifetimeSeconds: 600, commands: ['strace'] });

const test = suite('signals');
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
type EndingSignal = (typeof SIGNALS)[number];
/** Far more than anything here takes: a run that ends before did not wait for it. */
const TIMEOUT_S = 25;
const NEVER: RequestFault = { kind: 'no-answer', handled: true };

/** A phase of a run that can be made to last. */
interface Phase {
  readonly name: string;
  /** Set up before the run; what it returns is undone after it. */
  readonly prolong?: (rig: Rig) => Promise<Disposable | undefined>;
  /** @param tries the first one is 1 */
  readonly options?: (tries: number) => readonly string[];
  /** Resolves when the run is in it. */
  readonly reached: (rig: Rig, command: RunningCommand) => Promise<unknown>;
  /** Whether a signal there comes before anything is frozen. */
  readonly frozen: 'not yet' | 'now' | 'no more';
  /** The phase cannot be made to last longer than this machine may need to send the signal: then it is tried again. */
  readonly isShort?: true;
}

const MOST_TRIES = 20;
/** Of a request in whose time something is to happen; a server that says nothing for 3 s is asked once more. */
const ANSWER_MS = 2_500;

function startIn(seconds: number): string[] {
  return ['--at', new Date(Date.now() + seconds * 1_000).toISOString()];
}

const PHASES: readonly Phase[] = [
  {
    name: 'prepare',
    // Good enough an answer, once it comes: the run would go on.
    prolong: ({ server }) =>
      server.setFault({
        blob: 'disk0',
        at: 'request',
        operation: 'read',
        fault: { kind: 'status', status: 416, code: 'InvalidRange', delayMs: ANSWER_MS },
      }),
    reached: ({ server }, command) =>
      untilRequested(server, command, ({ operation }) => operation === 'read'),
    frozen: 'not yet',
  },
  {
    name: 'wait',
    options: () => startIn(TIMEOUT_S),
    reached: (_, command) => command.said('wait for the start time'),
    frozen: 'not yet',
  },
  {
    name: 'lock',
    prolong: () => FileLock.acquire(),
    reached: (_, command) => command.said('take the lock'),
    frozen: 'not yet',
  },
  {
    name: 'settle',
    // An answer of some 500 bytes; a whole one in the end.
    prolong: ({ server }) =>
      server.setFault({
        blob: 'disk0',
        ...LAST_CHECK,
        times: 1,
        fault: { kind: 'trickle', handled: true, byteIntervalMs: 5 },
      }),
    reached: ({ server }, command) =>
      untilRequested(server, command, ({ fault }) => fault === 'trickle'),
    frozen: 'not yet',
  },
  {
    name: 'arm',
    // It lasts from the last check, some 400 ms before the start, to the start, if the machine is ready by then.
    options: (tries) => startIn(3 + tries),
    reached: (_, command) => command.said('arm the guardian'),
    frozen: 'not yet',
    isShort: true,
  },
  {
    name: 'window',
    prolong: ({ server }) => server.setFault({ blob: 'disk0', at: 'request', fault: NEVER }),
    reached: ({ server }, command) =>
      untilRequested(server, command, ({ operation }) => operation === 'snapshot'),
    frozen: 'now',
  },
  {
    name: 'release',
    prolong: ({ server }) => server.setLatency('disk0', { kind: 'fixed', ms: ANSWER_MS }),
    // A guardian that does not answer makes it last.
    reached: async ({ server }, command) => {
      await untilRequested(server, command, ({ operation }) => operation === 'snapshot');
      const guardian = guardianOf(command.pid);
      // Without it the signal would stop this process.
      assert.ok(guardian !== undefined, 'the guardian has ended');
      process.kill(guardian, 'SIGSTOP');
      await server.answerNow();
      // It is released right before, and the log is held until the guardian has ended.
      using _lock = await FileLock.acquire();
    },
    frozen: 'no more',
  },
];

interface Interruption {
  readonly signal: EndingSignal;
  readonly tries: number;
}

/** Runs into a phase and sends the signal there. */
async function interrupt(rig: Rig, phase: Phase, { signal, tries }: Interruption): Promise<Ending> {
  using _prolonged = await phase.prolong?.(rig);
  using command = RunningCommand.start([
    'snapshot',
    ...rig.blobArguments,
    ...['--timeout', String(TIMEOUT_S), '--json'],
    ...(phase.options?.(tries) ?? []),
  ]);
  await phase.reached(rig, command);
  command.signal(signal);
  const ending = await command.ended;
  await rig.server.clearFaults();
  return ending;
}

/** Whether the signal came so late that the phase was over. */
function cameTooLate({ isShort }: Phase, { stdout }: Ending): boolean {
  return (
    isShort === true && 'window' in ((JSON.parse(stdout) as Partial<RunSummary>).phasesMs ?? {})
  );
}

/** Fails where a file system cannot be written: the test's own limit says so. */
async function assertWritable(rig: Rig): Promise<void> {
  const probes = probesOf(rig.disks.disks);
  try {
    await Promise.all(probes.map((probe) => probe.write()));
  } finally {
    for (const probe of probes) {
      probe[Symbol.dispose]();
    }
  }
}

/** @returns whether the signal came in time */
async function tryPhase(phase: Phase, interruption: Interruption): Promise<boolean> {
  const { signal } = interruption;
  await using rig = await Rig.create([{ type: 'ext4' }, { type: 'xfs' }]);
  const ending = await interrupt(rig, phase, interruption);
  await assertWritable(rig);
  if (cameTooLate(phase, ending)) {
    return false;
  }
  assert.is(ending.exitCode, 128 + constants.signals[signal], `${signal}: ${ending.stderr}`);
  const asked = (await rig.server.requests()).some(({ operation }) => operation === 'snapshot');
  assert.is(asked, phase.frozen !== 'not yet', `${signal}: ${ending.stderr}`);
  assertReported(ending, phase, signal);
  assert.is(guardians(), 0, 'a guardian is left');
  assertNoSecret(`${ending.stdout}${ending.stderr}`, rig.server.urls);
  return true;
}

for (const phase of PHASES) {
  test(`a signal in the phase "${phase.name}" thaws and ends the run with 128 + n`, async () => {
    for (const signal of SIGNALS) {
      let tries = 1;
      while (!(await tryPhase(phase, { signal, tries }))) {
        tries += 1;
        assert.ok(tries <= MOST_TRIES, `${signal} always came too late`);
      }
    }
  });
}

/** A run that had begun to freeze tells what came of it; one that had not says so. */
function assertReported({ stdout, stderr }: Ending, { frozen }: Phase, signal: string): void {
  if (frozen === 'not yet') {
    assert.is(JSON.parse(stdout).code, 'FF_INTERRUPTED', signal);
    assert.match(stderr, `ended by ${signal}; nothing was frozen`);
    return;
  }
  const { consistency, problems } = JSON.parse(stdout) as RunSummary;
  assert.is(consistency, frozen === 'now' ? 'none' : 'fileSystemConsistent', signal);
  assert.is(problems.join().includes(`Ended by ${signal}`), frozen === 'now', signal);
}

function guardians(): number {
  return processes().filter(({ executable }) => executable === GUARDIAN).length;
}

test('a signal does not wait for a server that says nothing', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  await rig.server.setFault({ blob: 'disk0', at: 'request', operation: 'read', fault: NEVER });
  using command = RunningCommand.start(['snapshot', ...rig.blobArguments]);
  await untilRequested(rig.server, command, ({ operation }) => operation === 'read');
  command.signal('SIGTERM');
  const { exitCode, stderr } = await command.ended;
  assert.is(exitCode, 143, stderr);
  assert.not.match(
    stderr,
    'no complete answer',
    'it waited until the time for the answer was over',
  );
});

test('a hail of signals cannot skip the thaw, however long that takes', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }, { type: 'btrfs' }]);
  await rig.server.setFault({ blob: 'disk0', at: 'request', fault: NEVER });
  const log = '/lab/strace.log';
  // -D: strace is the child, the command the parent, so that the signals reach the command.
  const slowThaw = [
    ...[...STRACE_IOCTLS, '-D', '-o', log],
    ...rig.disks.disks.flatMap(({ mountPoint }) => ['-P', mountPoint]),
    // Each FIFREEZE and each FITHAW waits half a second.
    ...['-e', 'inject=ioctl:delay_enter=500000'],
  ];
  using command = RunningCommand.start(
    ['snapshot', ...rig.blobArguments, '--timeout', String(TIMEOUT_S), '--json'],
    { under: slowThaw },
  );
  await untilRequested(rig.server, command, ({ blob }) => blob === 'disk0');
  await untilRequested(rig.server, command, ({ operation }) => operation === 'snapshot');
  const hail = setInterval(() => {
    for (const signal of SIGNALS) {
      command.signal(signal);
    }
  }, 20);
  try {
    const ending = await command.ended;
    // Of several that are pending the kernel delivers any first.
    assert.ok([129, 130, 143].includes(ending.exitCode ?? 0), ending.stderr);
    const { consistency, problems, fileSystems } = JSON.parse(ending.stdout) as RunSummary;
    assert.is(consistency, 'none');
    assert.match(problems.join('\n'), /Ended by SIG(TERM|INT|HUP)/);
    assert.is(freezesIn(log), 2);
    for (const { windowMs } of fileSystems) {
      assert.ok((windowMs ?? 0) > 500, 'the thaw was not slow');
    }
  } finally {
    clearInterval(hail);
  }
  await assertWritable(rig);
});

test.run();
