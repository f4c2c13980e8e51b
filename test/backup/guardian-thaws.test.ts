import * as assert from 'uvu/assert';
import { withGuardianReport } from '../../src/backup/outcome.ts';
import type { RunEnd } from '../../src/backup/record.ts';
import { suite } from '../suite.ts';
import { goodRecord } from './fixtures/records.ts';

const test = suite('thawed by the guardian');
const THAWED = [{ fileSystem: 1, atNs: 9n }];
const REPORT = { reason: 'deadline', thawed: THAWED } as const;
const RECEIVED = { kind: 'signal', signal: 'SIGTERM' } as const;

test('the record of a run whose guardian had nothing to thaw is unchanged', () => {
  const record = goodRecord(2);
  assert.is(withGuardianReport(record, { reason: 'released', thawed: [] }, RECEIVED), record);
  assert.is(withGuardianReport(record, undefined, RECEIVED), record);
});

for (const end of [
  { kind: 'completed' },
  { kind: 'deadline', stuck: [] },
  { kind: 'thawed-by-others', fileSystem: 1 },
] as const satisfies RunEnd[]) {
  test(`a run that ends as "${end.kind}" did not hold what the guardian thawed`, () => {
    const { fileSystems, end: told } = withGuardianReport(
      goodRecord(2, { end }),
      REPORT,
      undefined,
    );
    assert.equal(told, { kind: 'guardian-thawed', fileSystems: [1] });
    assert.equal(
      fileSystems.map(({ wasFrozen }) => wasFrozen),
      [true, false],
    );
  });
}

for (const end of [
  { kind: 'deadline', stuck: [0] },
  { kind: 'signal', signal: 'SIGTERM' },
  { kind: 'freeze-failed', fileSystem: 0, errno: 'EBUSY' },
] as const satisfies RunEnd[]) {
  test(`a run that ended as "${end.kind}" keeps its reason, and claims nothing of what the guardian thawed`, () => {
    const { fileSystems, end: told } = withGuardianReport(
      goodRecord(2, { end }),
      REPORT,
      undefined,
    );
    assert.equal(told, end);
    assert.is(fileSystems[1]?.wasFrozen, undefined);
  });
}

for (const [end, thawed] of [
  [{ kind: 'guardian-lost' }, []],
  [{ kind: 'guardian-lost' }, THAWED],
  [{ kind: 'completed' }, THAWED],
] as const satisfies [RunEnd, typeof THAWED | []][]) {
  const title = `a guardian that a signal ended (run: ${end.kind}, thawed by the guardian: ${thawed.length})`;
  test(`${title}: the signal is the reason if the run received it, too`, () => {
    const report = { reason: 'signal', thawed } as const;
    const record = goodRecord(2, { end });
    assert.equal(withGuardianReport(record, report, RECEIVED).end, RECEIVED);
    assert.equal(withGuardianReport(record, report, undefined).end, { kind: 'guardian-lost' });
  });
}

test('a signal is not the reason if the guardian thawed for another', () => {
  const thawed = withGuardianReport(goodRecord(2), REPORT, RECEIVED);
  assert.is(thawed.end.kind, 'guardian-thawed');
  const killed = goodRecord(2, { end: { kind: 'guardian-lost' } });
  assert.is(withGuardianReport(killed, { reason: 'lost', thawed: [] }, RECEIVED), killed);
});

test.run();
