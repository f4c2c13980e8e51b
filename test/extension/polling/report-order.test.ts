import { once } from 'node:events';
import * as assert from 'uvu/assert';
import { lateAfter } from '../../../src/extension/polling/report-order.ts';
import { suite } from '../../suite.ts';

const test = suite('what is left of the time after the service was told to end');

test('is over some time after the abort, whenever that comes', async () => {
  const before = lateAfter(AbortSignal.abort(), 20);
  assert.is(before.signal.aborted, false);
  await once(before.signal, 'abort');
  const abort = new AbortController();
  using later = lateAfter(abort.signal, 20);
  abort.abort();
  await once(later.signal, 'abort');
});

test('is never over where there is none, and leaves nothing behind', () => {
  const abort = new AbortController();
  const late = lateAfter(abort.signal, 1);
  late[Symbol.dispose]();
  abort.abort();
  assert.is(late.signal.aborted, false);
});

test.run();
