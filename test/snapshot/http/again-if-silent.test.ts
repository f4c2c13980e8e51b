import * as assert from 'uvu/assert';
import { againIfSilent } from '../../../src/snapshot/http/again-if-silent.ts';
import type { ExchangeEnd } from '../../../src/snapshot/http/exchange-end.ts';
import { deadlineIn } from '../../../src/system/stamps.ts';
import { suite } from '../../suite.ts';

const test = suite('a second question after silence');

const SILENT: ExchangeEnd = { kind: 'cut', reason: 'timeout' };
const ENDS: readonly (ExchangeEnd | undefined)[] = [
  { kind: 'cut', reason: 'aborted' },
  { kind: 'broken', failure: 'refused', code: 'ECONNREFUSED' },
  undefined,
];

async function asked(
  ends: readonly (ExchangeEnd | undefined)[],
  deadlineNs: bigint,
): Promise<{ end: ExchangeEnd | undefined; untilNs: readonly bigint[] }> {
  const untilNs: bigint[] = [];
  const ask = (limitNs: bigint): Promise<ExchangeEnd | undefined> => {
    untilNs.push(limitNs);
    return Promise.resolve(ends[untilNs.length - 1]);
  };
  return { end: await againIfSilent(ask, (end) => end, deadlineNs), untilNs };
}

test('the first question has half of the time, the second one the rest', async () => {
  const deadlineNs = deadlineIn(60_000);
  const { end, untilNs } = await asked([SILENT, undefined], deadlineNs);
  assert.is(end, undefined);
  const [first = 0n, second] = untilNs;
  assert.ok(first < deadlineNs && first >= deadlineNs - 30_000_000_000n);
  assert.is(second, deadlineNs);
});

test('two silences are one', async () => {
  assert.is((await asked([SILENT, SILENT], deadlineIn(1_000))).end, SILENT);
});

for (const end of ENDS) {
  test(`is not asked after ${JSON.stringify(end) ?? 'no end'}`, async () => {
    const found = await asked([end, SILENT], deadlineIn(1_000));
    assert.is(found.end, end);
    assert.is(found.untilNs.length, 1);
  });
}

test('a deadline that has passed stays the limit', async () => {
  const deadlineNs = deadlineIn(-1_000);
  const { untilNs } = await asked([SILENT, SILENT], deadlineNs);
  assert.equal(untilNs, [deadlineNs, deadlineNs]);
});

test.run();
