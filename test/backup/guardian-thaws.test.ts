import * as assert from 'uvu/assert';
import { withGuardianReport } from '../../src/backup/outcome.ts';
import type { RunEnd } from '../../src/backup/record.ts';
import { suite } from '../suite.ts';
import { goodRecord } from './fixtures/records.ts';

const test = suite('thawed by the guardian');
const REPORT = { thawed: [{ fileSystem: 1, atNs: 9n }] };

test('the record of a run whose guardian had nothing to thaw is unchanged', () => {
  const record = goodRecord(2);
  assert.is(withGuardianReport(record, { thawed: [] }), record);
  assert.is(withGuardianReport(record, undefined), record);
});

for (const end of [
  { kind: 'completed' },
  { kind: 'deadline', stuck: [] },
  { kind: 'thawed-by-others', fileSystem: 1 },
] as const satisfies RunEnd[]) {
  test(`a run that ends as "${end.kind}" did not hold what the guardian thawed`, () => {
    const { fileSystems, end: told } = withGuardianReport(goodRecord(2, { end }), REPORT);
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
    const { fileSystems, end: told } = withGuardianReport(goodRecord(2, { end }), REPORT);
    assert.equal(told, end);
    assert.is(fileSystems[1]?.wasFrozen, undefined);
  });
}

test.run();
