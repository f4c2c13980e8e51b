import * as assert from 'uvu/assert';
import { type DeadLedger, pendingThaws } from '../../../src/backup/journal/pending-thaws.ts';
import { FREEZE_STATES, type FreezeState } from '../../../src/freezer/ledger.ts';
import { suite } from '../../suite.ts';

const test = suite('pending thaws of a dead run');

const FILE_SYSTEMS = ['/a', '/b', '/c'].map((mountPoint, index) => ({
  mountPoint,
  device: `8:${index}`,
}));

function pending(ledger: DeadLedger) {
  return pendingThaws({ fileSystems: FILE_SYSTEMS }, ledger);
}

function ledgerOf(...states: readonly FreezeState[]): DeadLedger {
  const fileSystems = states.map((state, index) => ({ state, freezingThread: 100 + index }));
  return { gracePeriods: undefined, fileSystems };
}

test('only thaws of file systems that the run had frozen, or was about to freeze, are pending', () => {
  const all = FREEZE_STATES.filter((state) => pending(ledgerOf(state, 'idle', 'idle')).length > 0);
  assert.equal(all, ['freezing', 'frozen']);
});

test('a freeze that had not returned has its thread; one that had returned has none', () => {
  assert.equal(pending(ledgerOf('thawed', 'freezing', 'frozen')), [
    { mountPoint: '/b', device: '8:1', line: 1, freezingThread: 101 },
    { mountPoint: '/c', device: '8:2', line: 2, freezingThread: undefined },
  ]);
});

test('without a ledger, the thaws of all file systems are pending', () => {
  const unknown: DeadLedger[] = ['lost', ledgerOf('thawed')];
  for (const ledger of unknown) {
    assert.equal(
      pending(ledger).map(({ mountPoint, line }) => [mountPoint, line]),
      [
        ['/a', undefined],
        ['/b', undefined],
        ['/c', undefined],
      ],
    );
  }
});

test('a ledger that is gone, or not created yet, means that nothing is frozen', () => {
  assert.equal(pending('gone'), []);
});

test.run();
