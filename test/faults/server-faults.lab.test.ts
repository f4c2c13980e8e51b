import * as assert from 'uvu/assert';
import type { LoggedRequest } from '../../src/lab/blob-server/model.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import type { DiskSummary, RunSummary } from '../../src/report/summary.ts';
import { flashfreeze } from '../commands/command-line.ts';
import { Rig } from '../commands/rig.ts';
import { suite } from '../suite.ts';
import { RunningCommand } from './running-command.ts';
import { assertNoSecret } from './secrets.ts';
import {
  type BlobFault,
  COUNT_EXCEEDED,
  FAILED_CASES,
  type FaultCase,
  LAST_CHECK,
  PREFLIGHT_FAULTS,
  RATE_EXCEEDED,
  SURVIVED_CASES,
} from './server-fault-cases.ts';
import { freezesIn, STRACE_IOCTLS } from './strace.ts';
import { untilRequested } from './watch-requests.ts';
import { type ProbeWrite, probesOf } from './write-probe.ts';

await enterLab({ lifetimeSeconds: 600, commands: ['strace'] });

const test = suite('server faults');
/** Long enough for all tries of a disk, also when the machine is slow. */
const TIMEOUT_S = 10;
/** What a run may be late by. */
const GRACE_NS = 2_000_000_000n;
/** For a port to be shut between a request and its reset; a server that says nothing for 3 s is asked once more. */
const SHUT_MS = 2_000;
const TIMEOUT_NS = BigInt(TIMEOUT_S) * 1_000_000_000n;
const GOOD: FaultCase = {
  name: 'no fault',
  faults: [],
  outcome: { kind: 'taken' },
  mayHaveOrphan: false,
  requests: [1, 1],
  made: 'some',
};

/** What a run against misbehaving servers came to. */
interface Observed {
  readonly exitCode: number | null;
  readonly summary: RunSummary;
  /** Snapshot requests of each disk, as the server saw them. */
  readonly requests: readonly (readonly LoggedRequest[])[];
  /** Snapshots of each disk that the server made meanwhile, told or not. */
  readonly made: readonly (readonly string[])[];
  readonly firstRequestNs: bigint;
  /** A write to each file system, begun while it was frozen. */
  readonly writes: readonly ProbeWrite[];
}

async function setFaults(rig: Rig, cases: readonly FaultCase[]): Promise<void> {
  for (const [index, { faults }] of cases.entries()) {
    for (const fault of faults) {
      await rig.server.setFault({ blob: `disk${index}`, ...fault });
    }
  }
}

async function snapshotsOf(rig: Rig): Promise<string[][]> {
  const records = rig.disks.disks.map(({ index }) => rig.server.snapshots(`disk${index}`));
  return (await Promise.all(records)).map((all) => all.map(({ snapshot }) => snapshot));
}

/** Runs the command against a rig whose disk n has case n. */
async function observe(rig: Rig, cases: readonly FaultCase[]): Promise<Observed> {
  const known = (await rig.server.requests()).length;
  const before = await snapshotsOf(rig);
  await setFaults(rig, cases);
  const refused = cases.findIndex(({ refusedAfterwards }) => refusedAfterwards === true);
  if (refused >= 0) {
    await rig.server.setLatency(`disk${refused}`, { kind: 'fixed', ms: SHUT_MS });
  }
  const probes = probesOf(rig.disks.disks);
  try {
    using command = RunningCommand.start([
      'snapshot',
      ...rig.blobArguments,
      ...['--timeout', String(TIMEOUT_S), '--json'],
    ]);
    const isNew = (it: LoggedRequest, index: number): boolean =>
      index >= known && it.operation === 'snapshot';
    const first = await untilRequested(rig.server, command, isNew);
    const writing = Promise.all(probes.map((probe) => probe.write()));
    await refuseConnections(rig, command, cases, known);
    const ending = await command.ended;
    assertNoSecret(`${ending.stdout}${ending.stderr}`, rig.server.urls);
    const requests = (await rig.server.requests()).filter(isNew);
    return {
      exitCode: ending.exitCode,
      summary: JSON.parse(ending.stdout) as RunSummary,
      requests: cases.map((_, index) => requests.filter(({ blob }) => blob === `disk${index}`)),
      made: (await snapshotsOf(rig)).map((all, index) => all.slice(before[index]?.length)),
      firstRequestNs: first.receivedNs,
      writes: await writing,
    };
  } finally {
    for (const probe of probes) {
      probe[Symbol.dispose]();
    }
    await rig.server.clearFaults();
  }
}

/** Where the port is to be shut in the window, once the request is in that is going to be reset. */
async function refuseConnections(
  rig: Rig,
  command: RunningCommand,
  cases: readonly FaultCase[],
  known: number,
): Promise<void> {
  const index = cases.findIndex(({ refusedAfterwards }) => refusedAfterwards === true);
  if (index >= 0) {
    const blob = `disk${index}`;
    await untilRequested(
      rig.server,
      command,
      (it, at) => at >= known && it.blob === blob && it.operation === 'snapshot',
    );
    await rig.server.setFault({ blob, at: 'connection', fault: { kind: 'refuse' } });
    await rig.server.answerNow();
  }
}

function assertDisk(
  { name, outcome, mayHaveOrphan, requests: [least, most] }: FaultCase,
  disk: DiskSummary,
  requests: readonly LoggedRequest[],
  problems: readonly string[],
): void {
  const about = problems.filter((problem) => problem.includes(`${disk.device} (`));
  const said = `${name}: ${JSON.stringify({ disk, about, requests: requests.length })}`;
  if (outcome.kind === 'taken') {
    assert.type(disk.snapshot, 'string', said);
    assert.is(disk.httpStatus, 201, said);
    assert.is(disk.error, null, said);
  } else {
    assert.is(disk.snapshot, null, said);
    assert.match(disk.error ?? '', outcome.error, said);
    assert.is(disk.httpStatus, outcome.httpStatus, said);
    assert.ok(
      about.some((problem) => problem.includes(disk.error ?? '?')),
      said,
    );
  }
  const isOrphanNamed = about.some((problem) => problem.includes('snapshot may exist'));
  assert.is(isOrphanNamed, mayHaveOrphan ?? isOrphanNamed, said);
  assert.ok(requests.length >= least && requests.length <= most, said);
  assert.ok(disk.attempts >= requests.length, said);
}

/** Where the server says when to ask again, nobody asks before. */
function assertPatient(least: bigint, requests: readonly LoggedRequest[]): void {
  for (const [index, { receivedNs }] of requests.slice(1).entries()) {
    assert.ok(receivedNs - (requests[index]?.receivedNs ?? 0n) >= least, 'asked again too soon');
  }
}

/**
 * Thawed in time, and nothing asked for after the thaw or after the budget. By the run's own times: on a busy machine the
 * probes' and the server's are late.
 */
function assertInTime({ firstRequestNs, requests, writes, summary }: Observed): void {
  const limitNs = firstRequestNs + TIMEOUT_NS;
  for (const { mountPoint, windowMs } of summary.fileSystems) {
    const thawedAfterNs = BigInt(Math.round((windowMs ?? 0) * 1e6));
    assert.is.not(windowMs, null, `${mountPoint} was not frozen and thawed`);
    assert.ok(
      thawedAfterNs <= TIMEOUT_NS + GRACE_NS,
      `${mountPoint} was frozen for ${windowMs} ms`,
    );
  }
  for (const [index, { endNs: thawedNs }] of writes.entries()) {
    for (const { receivedNs } of requests[index] ?? []) {
      const said = `disk${index} was asked for a snapshot after`;
      assert.ok(receivedNs < thawedNs + GRACE_NS, `${said} its thaw`);
      assert.ok(receivedNs <= limitNs + GRACE_NS, `${said} the budget`);
    }
  }
}

function assertCases(cases: readonly FaultCase[], observed: Observed): void {
  const { summary, requests } = observed;
  assert.is(summary.disks.length, cases.length);
  for (const [index, faultCase] of cases.entries()) {
    const disk = summary.disks[index];
    const made = observed.made[index] ?? [];
    assert.ok(disk);
    assertDisk(faultCase, disk, requests[index] ?? [], summary.problems);
    assertPatient(faultCase.retryAfterNs ?? 0n, requests[index] ?? []);
    assert.is(made.length > 0, faultCase.made === 'some', `${faultCase.name}: ${made.length} made`);
    assert.ok(disk.snapshot === null || made.includes(disk.snapshot), faultCase.name);
  }
  assertInTime(observed);
}

/** File system types in turn, so that each meets many faults. */
function specsFor(cases: readonly FaultCase[]) {
  const types = ['ext4', 'ext4', 'xfs', 'ext4', 'btrfs', 'ext3'] as const;
  return cases.map((_, index) => ({ type: types[index % types.length] ?? 'ext4' }));
}

test('each fault of some disks is named for its disk; the other snapshots are kept: 761', async () => {
  const cases = [GOOD, ...FAILED_CASES, ...SURVIVED_CASES];
  await using rig = await Rig.create(specsFor(cases), 250);
  const observed = await observe(rig, cases);
  assert.is(observed.exitCode, 1);
  assert.is(observed.summary.code, 761);
  assert.is(observed.summary.name, 'FailedRetryableSnapshotFailedRestrictedNetwork');
  assertCases(cases, observed);
});

test('faults of all disks at once: 76, all thawed in time', async () => {
  await using rig = await Rig.create(specsFor(FAILED_CASES), 250);
  const observed = await observe(rig, FAILED_CASES);
  assert.is(observed.exitCode, 1);
  assert.is(observed.summary.code, 76, JSON.stringify(observed.summary));
  assert.is(observed.summary.consistency, 'none');
  assertCases(FAILED_CASES, observed);
});

test('a refusal with a code of its own decides the result: 173, 85, and 173 before 85', async () => {
  const runs = [
    [[RATE_EXCEEDED, GOOD, GOOD], 173],
    [[GOOD, COUNT_EXCEEDED, GOOD], 85],
    [[COUNT_EXCEEDED, GOOD, RATE_EXCEEDED], 173],
    [[COUNT_EXCEEDED, COUNT_EXCEEDED, COUNT_EXCEEDED], 85],
  ] as const;
  await using rig = await Rig.create(specsFor([GOOD, GOOD, GOOD]));
  for (const [cases, code] of runs) {
    const observed = await observe(rig, cases);
    assert.is(observed.exitCode, 1);
    assert.is(observed.summary.code, code);
    assertCases(cases, observed);
  }
});

/** Runs into the faults under strace; returns what was said of the blobs. */
async function refusedBeforeFreeze(rig: Rig, faults: readonly BlobFault[]): Promise<string> {
  for (const [index, fault] of faults.entries()) {
    await rig.server.setFault({ blob: `disk${index}`, ...fault });
  }
  const log = '/lab/strace.log';
  const ended = await flashfreeze(['snapshot', ...rig.blobArguments, '--json'], {
    under: [...STRACE_IOCTLS, '-o', log],
  });
  assert.is(ended.exitCode, 2, ended.stderr);
  assert.match(JSON.parse(ended.stdout).message, 'nothing was frozen');
  assert.match(ended.stderr, 'nothing was frozen');
  assert.is(freezesIn(log), 0);
  const asked = await rig.server.requests();
  assert.not.ok(asked.some(({ operation }) => operation === 'snapshot'));
  assertNoSecret(`${ended.stdout}${ended.stderr}`, rig.server.urls);
  return ended.stderr;
}

test('a fault at the preflight stops the run before anything is frozen, each blob named', async () => {
  await using rig = await Rig.create([...PREFLIGHT_FAULTS, GOOD].map(() => ({ type: 'ext4' })));
  const said = await refusedBeforeFreeze(
    rig,
    PREFLIGHT_FAULTS.map(([fault]) => fault),
  );
  const lines = said.split('\n');
  for (const [index, [fault, words]] of PREFLIGHT_FAULTS.entries()) {
    const line = lines.find((it) => it.includes(`/disk${index}:`)) ?? 'no such line';
    assert.match(line, words, `${JSON.stringify(fault)}: ${said}`);
  }
  assert.match(said, `${PREFLIGHT_FAULTS.length} of ${PREFLIGHT_FAULTS.length + 1} blobs`);
  assert.not.match(said, `/disk${PREFLIGHT_FAULTS.length}:`);
});

test('so does a fault at the last check, right before the freeze', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }, { type: 'xfs' }, { type: 'ext4' }]);
  const said = await refusedBeforeFreeze(rig, [
    { ...LAST_CHECK, fault: { kind: 'status', status: 403, code: 'AuthenticationFailed' } },
    { ...LAST_CHECK, fault: { kind: 'no-answer', handled: true } },
  ]);
  assert.match(said, /disk0: .*HTTP 403/);
  assert.match(said, /disk1: .*no complete answer/);
  assert.not.match(said, '/disk2:');
});

test('the count of freezes does count', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }, { type: 'btrfs' }]);
  const log = '/lab/strace.log';
  const ended = await flashfreeze(['snapshot', ...rig.blobArguments], {
    under: [...STRACE_IOCTLS, '-o', log],
  });
  assert.is(ended.exitCode, 0, ended.stderr);
  assert.is(freezesIn(log), 2);
});

test.run();
