import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { FREEZE_STATES, type FreezeState, parseLedger } from '../../src/freezer/ledger.ts';
import { suite } from '../suite.ts';

const test = suite('ledger of a dead run');

interface Fields {
  readonly magic?: number;
  readonly version?: number;
  readonly expedited?: number;
  readonly states?: readonly number[];
}

/** In the layout of native/ledger.h. */
function ledger({
  magic = 0x5a464646,
  version = 1,
  expedited = 0,
  states = [],
}: Fields): Uint8Array {
  const bytes = new Uint8Array(64 + 64 * states.length);
  const view = new DataView(bytes.buffer);
  for (const [position, value] of [magic, version, states.length, 4711].entries()) {
    view.setUint32(4 * position, value, true);
  }
  view.setUint32(32, expedited, true);
  for (const [index, state] of states.entries()) {
    view.setUint32(64 + 64 * index, state, true);
    view.setUint32(64 + 64 * index + 4, 100 + index, true);
  }
  return bytes;
}

test('shows the state of every file system and the thread that freezes it', () => {
  const states = fc.array(fc.constantFrom(...FREEZE_STATES), { maxLength: 70 });
  fc.assert(
    fc.property(states, (written: FreezeState[]) => {
      const numbers = written.map((state) => FREEZE_STATES.indexOf(state));
      const read = parseLedger(ledger({ states: numbers }))?.fileSystems;
      assert.equal(
        read,
        written.map((state, index) => ({ state, freezingThread: 100 + index })),
      );
    }),
  );
});

test('grace periods have to be restored only if the run had changed them', () => {
  assert.is(parseLedger(ledger({}))?.gracePeriods, undefined);
  assert.is(parseLedger(ledger({ expedited: 1 }))?.gracePeriods, 0);
});

test('a file that is not a ledger of this version is refused', () => {
  const whole = ledger({ states: [3, 3] });
  const foreign = [
    new Uint8Array(0),
    new Uint8Array(64),
    whole.subarray(0, 63),
    whole.subarray(0, 64 + 64),
    ledger({ magic: 1 }),
    ledger({ version: 2 }),
    ledger({ states: [6] }),
  ];
  assert.equal(
    foreign.map(parseLedger),
    foreign.map(() => undefined),
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void parseLedger(bytes)));
});

test.run();
