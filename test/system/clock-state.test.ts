import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import {
  type ClockState,
  describeClock,
  parseTracking,
  startWarning,
  stateOfKernel,
} from '../../src/system/clock-state.ts';
import { readClock } from '../../src/system/read-clock.ts';
import { suite } from '../suite.ts';

const test = suite('state of the clock');

/** What chronyd 4.3 said in a network namespace: one with a server on loopback, one whose server did not answer. */
const FAST =
  '7F000001,127.0.0.1,4,1795948929.995229656,-0.000001358,-0.000000067,0.000007013,0.005,-0.001,0.083,0.000005897,0.000002080,1.0,Normal\n';
const WITHOUT_SOURCE =
  '00000000,,0,0.000000000,0.000000000,0.000000000,0.000000000,0.000,0.000,0.000,1.000000000,1.000000000,0.0,Not synchronised\n';
const BY_CHRONY = { synchronized: true, source: 'chrony' } as const;
const NOT_BY_CHRONY = { synchronized: false, source: 'chrony', aheadMs: null, maxErrorMs: null };

const TRACKING: readonly [string, string, unknown][] = [
  ['fast', FAST, { ...BY_CHRONY, aheadMs: 0.001, maxErrorMs: 0.006 }],
  [
    'slow by 12.5 ms, as chronyc says it of a positive number',
    '50544D30,PTM0,1,1795948929.1,0.012500000,0.0,0.0,0.1,0.0,0.0,0.004000000,0.001000000,16.2,Insert second',
    { ...BY_CHRONY, aheadMs: -12.5, maxErrorMs: 15.5 },
  ],
  [
    'exactly right',
    '50544D30,PTM0,1,1795948929.1,0.000000000,0.0,0.0,0.1,0.0,0.0,0.000000000,0.000010000,16.2,Normal',
    { ...BY_CHRONY, aheadMs: 0, maxErrorMs: 0.01 },
  ],
  ['without a source', WITHOUT_SOURCE, NOT_BY_CHRONY],
  [
    'serves its own clock',
    '7F7F0101,,10,1795948929.1,0.000000000,0.0,0.0,0.1,0.0,0.0,0.000000000,0.000000000,16.2,Normal',
    NOT_BY_CHRONY,
  ],
  [
    'a later version with a field more',
    `${FAST.trim()},new\n`,
    { ...BY_CHRONY, aheadMs: 0.001, maxErrorMs: 0.006 },
  ],
  ['nothing', '', undefined],
  ['a message', '506 Cannot talk to daemon\n', undefined],
  ['a figure that is none', FAST.replace('-0.000001358', 'nan'), undefined],
  ['two lines of another report', '^,*,PHC0,0,4,377\n^,?,1.2.3.4,3,4,377\n', undefined],
];

for (const [what, text, expected] of TRACKING) {
  test(`chronyc tracking: ${what}`, () => {
    assert.equal(parseTracking(text), expected);
  });
}

test('the kernel: its status decides, its largest error is the bound', () => {
  const state = stateOfKernel({ isUnsynchronized: false, maxErrorUs: 12_345 });
  assert.equal(state, {
    ...{ synchronized: true, source: 'kernel' },
    ...{ aheadMs: null, maxErrorMs: 12.345 },
  });
  assert.equal(stateOfKernel({ isUnsynchronized: true, maxErrorUs: 16_000_000 }), {
    ...{ synchronized: false, source: 'kernel' },
    ...{ aheadMs: null, maxErrorMs: null },
  });
});

const SENTENCES: readonly [ClockState | undefined, string, boolean][] = [
  [
    { ...BY_CHRONY, aheadMs: 0.012, maxErrorMs: 0.4 },
    '0.012 ms ahead of true time, at most 0.4 ms off (chrony)',
    false,
  ],
  [
    { ...BY_CHRONY, aheadMs: -3, maxErrorMs: 5 },
    '3 ms behind true time, at most 5 ms off (chrony)',
    false,
  ],
  [
    stateOfKernel({ isUnsynchronized: false, maxErrorUs: 7_500 }),
    'at most 7.5 ms off (by the estimate of the kernel)',
    false,
  ],
  [
    stateOfKernel({ isUnsynchronized: true, maxErrorUs: 0 }),
    'not synchronized (by the estimate of the kernel)',
    true,
  ],
  [parseTracking(WITHOUT_SOURCE), 'not synchronized (chrony)', true],
  [undefined, 'it is not known whether it is synchronized', true],
];

for (const [state, sentence, warns] of SENTENCES) {
  test(`for people: ${sentence}`, () => {
    assert.is(describeClock(state), sentence);
    const warning = startWarning(state);
    assert.is(warning !== undefined, warns);
    assert.ok(warning?.includes(sentence) ?? true);
  });
}

/** The state while `chronyc` is a program that does this. */
async function stateWith(script: string): Promise<ClockState | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'clock-state-'));
  const { PATH } = process.env;
  try {
    await writeFile(join(folder, 'chronyc'), `#!/bin/sh\n${script}\n`);
    await chmod(join(folder, 'chronyc'), 0o755);
    process.env.PATH = `${folder}:${PATH}`;
    return await readClock();
  } finally {
    process.env.PATH = PATH;
    await rm(folder, { recursive: true });
  }
}

test('chrony is asked first, for its tracking in numbers', async () => {
  const state = await stateWith(`[ "$*" = '-n -c tracking' ] && echo '${FAST.trim()}'`);
  assert.equal(state, { ...BY_CHRONY, aheadMs: 0.001, maxErrorMs: 0.006 });
});

for (const [what, script] of [
  ['does not run', "echo '506 Cannot talk to daemon'; exit 1"],
  ['says something else', "echo 'a,b,c'"],
  ['does not answer', 'exec sleep 60'],
] as const) {
  test(`if chrony ${what}, the kernel is asked`, async () => {
    assert.is((await stateWith(script))?.source, 'kernel');
  });
}

test.run();
