import * as assert from 'uvu/assert';
import {
  falseClaims,
  faultsOfEnding,
  faultsOfUndisturbed,
  longestStallMs,
  type Seen,
  stageAt,
} from '../../../bench/faults/findings.ts';
import type { LoggedRequest } from '../../../src/lab/blob-server/model.ts';
import { suite } from '../../suite.ts';
import type { Ending } from '../running-command.ts';

const test = suite('findings of a campaign');
const MS = 1_000_000n;

function request(blob: string, receivedMs: number, answeredMs: number | undefined): LoggedRequest {
  return {
    blob,
    operation: 'snapshot',
    method: 'PUT',
    target: '',
    clientRequestId: undefined,
    requestId: '',
    connection: 1,
    receivedNs: BigInt(receivedMs) * MS,
    answeredNs: answeredMs === undefined ? undefined : BigInt(answeredMs) * MS,
    status: answeredMs === undefined ? undefined : 201,
    fault: undefined,
  };
}

function write(startMs: number, endMs: number) {
  return { startNs: BigInt(startMs) * MS, endNs: BigInt(endMs) * MS };
}

/** Frozen from 110 to 180; requests from 120 to 150 and 160. */
const RUN: Seen = {
  writes: [
    [write(100, 101), write(109, 181), write(190, 191)],
    [write(100, 101), write(112, 179), write(190, 191)],
  ],
  requests: [request('disk0', 120, 150), request('disk1', 120, 160)],
};

test('tells the stage of a run from its writers and requests', () => {
  const stages = [100, 115, 130, 155, 170, 200].map((ms) => stageAt(BigInt(ms) * MS, RUN, 2));
  assert.equal(stages, ['before', 'freezing', 'firing', 'firing', 'thawing', 'after']);
  assert.is(longestStallMs(RUN), 72);
});

test('a run is firing as long as a disk has not been asked or not answered', () => {
  const { writes } = RUN;
  const one = [request('disk0', 120, 150)];
  assert.is(stageAt(170n * MS, { writes, requests: one }, 2), 'firing');
  const unanswered = [...one, request('disk1', 120, undefined)];
  assert.is(stageAt(170n * MS, { writes, requests: unanswered }, 2), 'firing');
});

test('a write between request and answer disproves the claim of consistency', () => {
  assert.equal(falseClaims(RUN), []);
  const early = { ...RUN, writes: [[write(130, 131)], [write(112, 179)]] };
  assert.is(falseClaims(early).length, 1);
  assert.match(falseClaims(early).join(), 'disk0');
  const overlapping = { ...RUN, writes: [[write(119, 121)], [write(159, 161)]] };
  assert.equal(falseClaims(overlapping), []);
});

const GOOD: Ending = {
  exitCode: 0,
  signal: null,
  atNs: 0n,
  stdout: '{"consistency":"fileSystemConsistent"}',
  stderr: '',
};

test('finds endings that no fault excuses', () => {
  const wrong: readonly Partial<Ending>[] = [
    { exitCode: null, signal: 'SIGSEGV' },
    { exitCode: 134 },
    { exitCode: 1, stdout: '', stderr: 'flashfreeze: internal error: at x' },
    { exitCode: 1, stdout: '', stderr: 'DeprecationWarning: Uncaught Node-API callback exception' },
    { exitCode: 1, stdout: '{"consis' },
    { exitCode: 1 },
    { exitCode: 0, stdout: '{"consistency":"none"}' },
    { exitCode: 0, stdout: '' },
  ];
  for (const ending of wrong) {
    assert.is(faultsOfEnding({ ...GOOD, ...ending }, RUN).length, 1, JSON.stringify(ending));
  }
});

test('finds that a run failed by itself, unless it was for want of time', () => {
  assert.equal(faultsOfUndisturbed(GOOD), []);
  const failed = { ...GOOD, exitCode: 1, stdout: '{"consistency":"none"}' };
  assert.equal(faultsOfUndisturbed(failed), []);
  assert.is(faultsOfUndisturbed({ ...failed, stdout: '' }).length, 1);
  assert.is(faultsOfUndisturbed({ ...failed, exitCode: 2 }).length, 1);
});

test('lets good and orderly bad endings pass', () => {
  assert.equal(faultsOfEnding(GOOD, RUN), []);
  const failed = { ...GOOD, exitCode: 1, stdout: '{"consistency":"none"}' };
  assert.equal(faultsOfEnding(failed, RUN), []);
  assert.equal(faultsOfEnding({ ...GOOD, exitCode: 1, stdout: '' }, RUN), []);
  assert.equal(faultsOfEnding({ ...GOOD, exitCode: 2, stdout: '' }, RUN), []);
});

test('a command may end by the SIGTERM that it was sent, whatever its snapshots came to', () => {
  const terminated = { ...GOOD, exitCode: 143 };
  for (const stdout of [GOOD.stdout, '{"consistency":"none"}', '']) {
    assert.equal(faultsOfEnding({ ...terminated, stdout }, RUN, true), []);
  }
  assert.is(faultsOfEnding(terminated, RUN).length, 1);
  assert.is(faultsOfEnding({ ...terminated, exitCode: 137 }, RUN, true).length, 1);
  assert.is(
    faultsOfEnding({ ...terminated, exitCode: null, signal: 'SIGTERM' }, RUN, true).length,
    1,
  );
  const early = { ...RUN, writes: [[write(130, 131)], [write(112, 179)]] };
  assert.is(faultsOfEnding(terminated, early, true).length, 1);
});

test.run();
