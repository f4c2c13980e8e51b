import * as assert from 'uvu/assert';
import { type ProcessPhase, phaseOf } from '../../src/system/process-identity.ts';
import { suite } from '../suite.ts';

const test = suite('process identity');

interface Fields {
  readonly state: string;
  readonly flags: number;
  readonly threads: number;
  /** Pending signals of the main thread. */
  readonly pending: number;
}

/** A line as in `/proc/<pid>/stat`, of a program with an odd name; fields that are not read are 0. */
function statOf({ state, flags, threads, pending }: Fields): string {
  const fields = Array.from({ length: 50 }, () => '0');
  const numbered = { 3: state, 9: flags, 20: threads, 22: 4711, 31: pending };
  for (const [number, value] of Object.entries(numbered)) {
    fields[Number(number) - 3] = String(value);
  }
  return `42 (a) Z 1 (b) ${fields.join(' ')}\n`;
}

const RUNNING: Fields = { state: 'S', flags: 0x400000, threads: 11, pending: 0 };
const SIGKILL = 1 << 8;
const SIGTERM = 1 << 14;

const CASES: readonly [name: string, Partial<Fields>, ProcessPhase][] = [
  ['sleeps', {}, 'running'],
  ['was stopped', { state: 'T' }, 'running'],
  ['waits in the kernel', { state: 'D' }, 'running'],
  ['waits there, and SIGTERM is pending', { state: 'D', pending: SIGTERM }, 'running'],
  ['waits there, and SIGKILL is pending', { state: 'D', pending: SIGTERM | SIGKILL }, 'dying'],
  ['was killed by a signal and dumps core', { state: 'D', flags: 0x400600 }, 'dying'],
  ['is exiting', { state: 'R', flags: 0x400004 }, 'dying'],
  ['is a zombie with a thread in the kernel', { state: 'Z', flags: 0x40000c, threads: 2 }, 'dying'],
  ['is a zombie', { state: 'Z', flags: 0x40000c, threads: 1 }, 'ended'],
  ['is gone at this moment', { state: 'X', flags: 0x40000c, threads: 0 }, 'ended'],
];

for (const [name, fields, phase] of CASES) {
  test(`a process that ${name}: ${phase}`, () => {
    assert.is(phaseOf(statOf({ ...RUNNING, ...fields })), phase);
  });
}

test.run();
