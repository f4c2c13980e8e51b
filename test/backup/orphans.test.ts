import * as assert from 'uvu/assert';
import { deleteOrphans, lostInBrokenAttempts, uselessSnapshots } from '../../src/backup/orphans.ts';
import type { WindowRun } from '../../src/backup/window-run.ts';
import { suite } from '../suite.ts';
import { failedAnswer, goodAnswer, goodRecord } from './fixtures/records.ts';

const test = suite('orphans');

function attempt(changes: Partial<WindowRun> = {}): WindowRun {
  const { fileSystems, barrier, end } = goodRecord(2);
  const answers = [goodAnswer(0, { snapshot: 'first' }), failedAnswer(1)];
  return { fileSystems, barrier, end, findings: [], writes: [], threads: [], answers, ...changes };
}

const STUCK = { barrier: undefined, end: { kind: 'deadline', stuck: [1] } } as const;
const KILLED = { end: { kind: 'signal', signal: 'SIGTERM' } } as const;
const ANOTHER = [goodAnswer(0, { snapshot: 'second' }), goodAnswer(1, { snapshot: 'third' })];

test('a run that reached its barrier has no useless snapshots, even if a disk failed', () => {
  assert.equal(uselessSnapshots({ last: attempt(), earlier: [] }), []);
});

test('snapshots of an attempt that was broken off are useless, and only those if the next one succeeds', () => {
  const last = attempt({ answers: ANOTHER });
  assert.equal(uselessSnapshots({ last, earlier: [attempt(STUCK)] }), [
    { target: 0, snapshot: 'first' },
  ]);
});

test('every snapshot of a run that never froze everything, or was interrupted, is useless', () => {
  for (const changes of [STUCK, KILLED]) {
    const last = attempt({ ...changes, answers: ANOTHER });
    assert.equal(
      uselessSnapshots({ last, earlier: [attempt(STUCK)] }).map(({ snapshot }) => snapshot),
      ['first', 'second', 'third'],
    );
  }
});

test('a second snapshot that a repeated request made is useless, whatever the run came to', () => {
  const surplus = [goodAnswer(0, { snapshot: 'first', surplus: ['again'] })];
  const last = attempt({ answers: surplus });
  assert.equal(uselessSnapshots({ last, earlier: [] }), [{ target: 0, snapshot: 'again' }]);
});

test('a lost answer of an attempt that was broken off is named', () => {
  const lost = attempt({ answers: [{ ...failedAnswer(0), mayHaveOrphan: true }, failedAnswer(1)] });
  const targets = ['a.vhd', 'b.vhd'].map((name) => ({ name, blob: undefined }));
  const sentences = lostInBrokenAttempts({ earlier: [lost] }, targets);
  assert.is(sentences.length, 1);
  assert.match(sentences[0] ?? '', /^a\.vhd: the answer .* was lost/);
  assert.equal(lostInBrokenAttempts({ earlier: [] }, targets), []);
});

test('a snapshot that flashfreeze did not request itself is reported and kept', async () => {
  const orphans = await deleteOrphans(
    [{ target: 0, snapshot: 'first' }],
    [{ name: 'the host service', blob: undefined }],
    () => undefined,
  );
  assert.equal(orphans, [
    {
      blob: 'the host service',
      snapshot: 'first',
      keptBecause: 'flashfreeze did not request it itself',
    },
  ]);
});

test.run();
