import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { RequestFault } from '../../src/lab/blob-server/model.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { Rig } from '../commands/rig.ts';
import { inTime } from '../in-time.ts';
import { suite } from '../suite.ts';
import {
  describeOffences,
  frozenSpan,
  type Offence,
  offences,
  TRACED_CALLS,
} from './discipline.ts';
import { type Ending, RunningCommand } from './running-command.ts';
import { parseStrace, strace } from './strace.ts';
import { untilRequested } from './watch-requests.ts';

await enterLab({ lifetimeSeconds: 600, commands: ['strace'] });

const test = suite('window discipline');
const MIXED = [{ type: 'ext4' }, { type: 'xfs' }, { type: 'btrfs' }] as const;
const STRACE_LOG = '/lab/strace.log';
const MISDEED = join(import.meta.dirname, 'fixtures/misdeed.ts');
/** So that something could be written meanwhile: the window lasts at least this long. */
const LATENCY_MS = 150;

interface Observed {
  readonly ending: Ending;
  /** What the command wrote to its output. */
  readonly printed: string;
  readonly found: readonly Offence[];
  readonly traced: number;
}

interface Circumstances {
  readonly timeoutS?: number;
  readonly environment?: Readonly<Record<string, string>>;
  /** Carried out while the command runs. */
  readonly meanwhile?: (command: RunningCommand) => Promise<void>;
}

/** Runs the command traced, its output going to a file on the first disk. */
async function observe(rig: Rig, circumstances: Circumstances = {}): Promise<Observed> {
  const { timeoutS = 30, environment = {}, meanwhile } = circumstances;
  const outputPath = join(rig.disks.disks[0]?.mountPoint ?? '', 'output');
  const output = openSync(outputPath, 'w');
  using command = RunningCommand.start(
    ['snapshot', ...rig.blobArguments, '--timeout', String(timeoutS)],
    { under: [...strace(TRACED_CALLS), '-o', STRACE_LOG], environment, output },
  );
  closeSync(output);
  await meanwhile?.(command);
  const ending = await command.ended;
  const calls = parseStrace(readFileSync(STRACE_LOG, 'utf8'));
  const span = frozenSpan(calls);
  const printed = readFileSync(outputPath, 'utf8');
  assert.ok(span, `nothing was frozen, or not thawed:\n${printed}`);
  return { ending, printed, found: offences(calls, span), traced: calls.length };
}

test('from the first freeze to the last thaw nothing is written, opened, started or connected, with the output on a frozen file system', async () => {
  await using rig = await Rig.create(MIXED, LATENCY_MS);
  const { ending, printed, found, traced } = await observe(rig);
  assert.is(ending.exitCode, 0, printed);
  assert.equal(describeOffences(found), '');
  assert.ok(traced > 100, 'the trace is too short to be true');
  // Afterwards everything that was held back is there.
  assert.match(printed, 'window took');
  assert.match(printed, 'fileSystemConsistent: 3 of 3 snapshots');
  for (const { mountPoint } of rig.disks.disks) {
    assert.match(printed, mountPoint);
  }
});

test('the same holds where servers fail and the time runs out: only a retry may connect', async () => {
  await using rig = await Rig.create(MIXED, LATENCY_MS);
  const faults: readonly RequestFault[] = [
    { kind: 'status', status: 500, code: 'InternalError' },
    { kind: 'reset', handled: false },
    { kind: 'no-answer', handled: false },
  ];
  for (const [index, fault] of faults.entries()) {
    await rig.server.setFault({ blob: `disk${index}`, at: 'request', fault });
  }
  const { ending, printed, found } = await inTime(
    2,
    (timeoutS) => observe(rig, { timeoutS }),
    (observed) => observed.found.some(({ why }) => why === 'connects'),
  );
  assert.is(ending.exitCode, 1, printed);
  const [connects, others] = [
    found.filter(({ why }) => why === 'connects'),
    found.filter(({ why }) => why !== 'connects'),
  ];
  assert.equal(describeOffences(others), '');
  assert.ok(connects.length > 0, 'nothing was retried');
  const { port } = new URL(rig.server.urls[1] ?? '');
  for (const { call } of connects) {
    assert.match(call.text, `htons(${port})`);
  }
  assert.match(printed, 'code 76');
});

test('and where a signal ends the run', async () => {
  await using rig = await Rig.create(MIXED, LATENCY_MS);
  await rig.server.setFault({
    blob: 'disk0',
    at: 'request',
    fault: { kind: 'no-answer', handled: false },
  });
  const { ending, printed, found } = await observe(rig, {
    meanwhile: async (command) => {
      await untilRequested(rig.server, command, ({ operation }) => operation === 'snapshot');
      process.kill(tracedBy(command.pid), 'SIGTERM');
    },
  });
  assert.is(ending.exitCode, 143, printed);
  assert.equal(describeOffences(found), '');
  assert.match(printed, 'Ended by SIGTERM');
});

/** The process that strace(1) started. */
function tracedBy(strace: number): number {
  return Number(readFileSync(`/proc/${strace}/task/${strace}/children`, 'utf8').split(' ')[0]);
}

/** What a run does wrong, the reason it must be found for, and the call. */
const MISDEEDS = [
  ['log', 'writes to a file', 'write'],
  ['create', 'opens a file for writing', 'openat'],
  ['rename', 'changes a file system', 'rename'],
  ['read', 'opens a file', 'openat'],
  ['spawn', 'starts a process', 'execve'],
  ['connect', 'connects', 'connect'],
  ['lookup', 'opens a file', 'openat'],
] as const;

for (const [misdeed, why, call] of MISDEEDS) {
  test(`a run that does so is caught: ${misdeed}`, async () => {
    await using rig = await Rig.create([{ type: 'ext4' }], LATENCY_MS);
    writeFileSync('/lab/misdeed', '');
    const environment = {
      NODE_OPTIONS: `--import=${MISDEED}`,
      FLASHFREEZE_TEST_MISDEED: misdeed,
    };
    const isCaught = ({ found }: Observed): boolean =>
      found.some((it) => it.why === why && it.call.name === call);
    const observed = await inTime(
      2,
      (timeoutS) => observe(rig, { timeoutS, environment }),
      isCaught,
    );
    const { found, printed } = observed;
    assert.ok(isCaught(observed), `${describeOffences(found)}\n${printed}`);
    // And does not hang for it: even a write to the frozen file system ends, at the deadline.
    assert.match(printed, 'window took');
  });
}

test.run();
