import * as assert from 'uvu/assert';
import {
  blocksWrite,
  type Drawn,
  drawRound,
  endsWorker,
  FAULT_KINDS,
  type FaultKind,
  killsThaw,
  leavesAlone,
} from '../../../bench/faults/draw.ts';
import { seededRandom } from '../../../src/lab/blob-server/random.ts';
import { suite } from '../../suite.ts';

const test = suite('draw of a campaign');

function draw(seed: number, rounds: number): Drawn[] {
  const random = seededRandom(seed);
  return Array.from({ length: rounds }, () => drawRound(random));
}

test('the same seed draws the same rounds, another seed others', () => {
  assert.equal(draw(7, 50), draw(7, 50));
  assert.not.equal(draw(7, 50), draw(8, 50));
});

test('every kind comes up, at moments over the whole run and in the window', () => {
  const rounds = draw(1, 500);
  for (const kind of FAULT_KINDS) {
    assert.ok(rounds.filter((it) => it.kind === kind).length > 10, kind);
  }
  assert.ok(rounds.filter(({ from }) => from === 'start').length > 50);
  assert.ok(rounds.filter(({ from }) => from === 'arm').length > 250);
});

test('a signal comes besides only where a balance runs or an open hangs, and not always', () => {
  const rounds = draw(1, 500);
  const signalsOf = (kind: FaultKind): string[] => {
    const own = rounds.filter((it) => it.kind === kind);
    return [...new Set(own.map(({ signal }) => signal ?? 'none'))].toSorted();
  };
  assert.equal(signalsOf('balance'), ['SIGKILL', 'SIGTERM', 'none']);
  assert.equal(signalsOf('open-hangs'), ['SIGTERM', 'none']);
  for (const kind of FAULT_KINDS.filter((it) => !leavesAlone(it))) {
    assert.equal(signalsOf(kind), ['none'], kind);
  }
});

test('each thread is blocked in a write some time', () => {
  for (const blocked of FAULT_KINDS.filter(blocksWrite)) {
    const rounds = draw(1, 500).filter(({ kind }) => kind === blocked);
    const threads = [...new Set(rounds.map(({ thread }) => thread))].toSorted();
    assert.equal(threads, ['lane', 'main', 'pool'], blocked);
  }
});

test('no end in order is expected of a worker that was killed', () => {
  const ended = FAULT_KINDS.filter((kind) => endsWorker({ kind, signal: undefined }));
  assert.equal(ended, [
    ...['kill-worker', 'kill-group', 'crash-worker', 'crash-worker-no-dump', 'blocked-write'],
  ]);
  assert.ok(endsWorker({ kind: 'balance', signal: 'SIGKILL' }));
  assert.not.ok(endsWorker({ kind: 'balance', signal: 'SIGTERM' }));
});

test('a thaw may be interrupted by every kind that kills, and by no other', () => {
  const kinds = FAULT_KINDS.filter((kind) => killsThaw({ kind, signal: undefined }));
  assert.equal(kinds.toSorted(), [
    ...['blocked-write', 'blocked-write-both-killed', 'crash-worker', 'crash-worker-no-dump'],
    ...['kill-group', 'kill-guardian', 'kill-guardian-then-worker'],
    ...['kill-worker', 'kill-worker-then-guardian'],
  ]);
});

test('draws only the kinds asked for', () => {
  const random = seededRandom(1);
  const kinds = Array.from({ length: 20 }, () => drawRound(random, ['busy-loop']).kind);
  assert.equal([...new Set(kinds)], ['busy-loop']);
});

test.run();
