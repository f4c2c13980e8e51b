import * as assert from 'uvu/assert';
import { type DeadLedger, pendingThaws } from '../../../src/backup/journal/pending-thaws.ts';
import { FREEZE_STATES, type FreezeState } from '../../../src/freezer/ledger.ts';
import { suite } from '../../suite.ts';

const test = suite('thaws owed by a dead run');

const FILE_SYSTEMS = ['/a', '/b', '/c'].map((mountPoint, index) => ({
  mountPoint,
  device: `8:${index}`,
}));

function owed(ledger: DeadLedger) {
  return pendingThaws({ fileSystems: FILE_SYSTEMS }, ledger);
}

function ledgerOf(...states: readonly FreezeState[]): DeadLedger {
  const fileSystems = states.map((state, index) => ({ state, freezingThread: 100 + index }));
  return { gracePeriods: undefined, fileSystems };
}

test('only what the run had frozen, or was about to, is owed', () => {
  const all = FREEZE_STATES.filter((state) => owed(ledgerOf(state, 'idle', 'idle')).length > 0);
  assert.equal(all, ['freezing', 'frozen']);
});

test('a freeze that had not returned is told with its thread, one that had without', () => {
  assert.equal(owed(ledgerOf('thawed', 'freezing', 'frozen')), [
    { mountPoint: '/b', device: '8:1', line: 1, freezingThread: 101 },
    { mountPoint: '/c', device: '8:2', line: 2, freezingThread: undefined },
  ]);
});

test('where no ledger tells, everything is owed', () => {
  const unknown: DeadLedger[] = ['lost', ledgerOf('thawed')];
  for (const ledger of unknown) {
    assert.equal(
      owed(ledger).map(({ mountPoint, line }) => [mountPoint, line]),
      [
        ['/a', undefined],
        ['/b', undefined],
        ['/c', undefined],
      ],
    );
  }
});

test('a ledger that is gone, or not there yet, says that nothing is frozen', () => {
  assert.equal(owed('gone'), []);
});

test.run();
