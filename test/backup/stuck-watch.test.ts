import { setImmediate } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { StuckWatch } from '../../src/backup/stuck-watch.ts';
import { suite } from '../suite.ts';

const test = suite('stuck watch');

test('a failure to find out what a freeze waits for ends no process: it is the finding', async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): unknown => unhandled.push(reason);
  process.on('unhandledRejection', note);
  using listening = new DisposableStack();
  listening.defer(() => process.off('unhandledRejection', note));
  const looked = Promise.withResolvers<void>();
  const freezer = {
    descriptorOf: () => -1,
    freezingThreads: () => {
      looked.resolve();
      throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
    },
  };
  using watch = new StuckWatch(freezer, { fileSystems: [], daemons: [] }, () => [0]);
  watch.begin(1);
  await looked.promise;
  // Node.js tells of a rejection without a handler before the next turn of its event loop.
  await setImmediate();
  await setImmediate();
  assert.equal(unhandled, []);
  assert.equal(await watch.findings(), [
    'what the freeze waited for could not be found out: EMFILE',
  ]);
});

test('there is no finding if every freeze has returned by then', async () => {
  const looked = Promise.withResolvers<void>();
  const freezer = { descriptorOf: () => -1, freezingThreads: () => [] };
  using watch = new StuckWatch(freezer, { fileSystems: [], daemons: [] }, () => {
    looked.resolve();
    return [];
  });
  watch.begin(1);
  await looked.promise;
  assert.equal(await watch.findings(), []);
});

test.run();
