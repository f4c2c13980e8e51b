import * as assert from 'uvu/assert';
import { expectWindow } from '../../src/report/expected-window.ts';
import { suite } from '../suite.ts';

const test = suite('expected window');
const plain = { fileSystems: 8, waves: 1, canExpedite: true, isManaged: false, earlierMaxMs: [] };

test('goes by earlier runs where there are any', () => {
  const { low, high, reasons } = expectWindow({ ...plain, earlierMaxMs: [31, 19.5, 44] });
  assert.equal([low, high], [19.5, 44]);
  assert.match(reasons.join(), 'last 3 complete runs over 8 file systems');
});

test('is an estimate otherwise, and says so', () => {
  const { low, high, reasons } = expectWindow(plain);
  assert.ok(low > 0 && low < high);
  assert.match(reasons.join(), 'an estimate');
});

test('of managed disks it is a matter of seconds', () => {
  const { low, high, reasons } = expectWindow({ ...plain, isManaged: true });
  assert.ok(low > 2_000 && high > 10_000);
  assert.match(reasons.join(), 'operations take 2000 to 10000 ms');
});

test('grows with waves, and where grace periods cannot be expedited', () => {
  const quick = expectWindow(plain);
  const slow = expectWindow({ ...plain, waves: 2, canExpedite: false });
  assert.ok(slow.low >= quick.low + 48);
  assert.ok(slow.high >= quick.high + 90);
  assert.match(slow.reasons.join(), 'rcu_expedited is not writable');
});

test.run();
