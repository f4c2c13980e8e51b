import * as assert from 'uvu/assert';
import { programStartMs } from '../../bench/scenarios/startup.ts';
import { suite } from '../suite.ts';

const test = suite('start-up figures');

test('what is no phase of the run is the start of the program', () => {
  const run = { toFreezeMs: 500, wholeMs: 600, cpuMs: 700, peakRssMb: 130 };
  assert.is(programStartMs({ ...run, phasesMs: { prepare: 250, settle: 10 } }), 240);
  assert.is(programStartMs({ ...run, phasesMs: {} }), 500);
});

test.run();
