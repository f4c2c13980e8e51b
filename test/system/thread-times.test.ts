import * as assert from 'uvu/assert';
import {
  nameAndFaults,
  type ThreadTime,
  threadTimes,
  timesBetween,
  timesByRole,
} from '../../src/system/thread-times.ts';
import { suite } from '../suite.ts';

const test = suite('thread times');

const STAT = 'S 1 2 3 4 5 6 70 8 9 10 11 12 13 14 15 16 17 18 19';

function time(tid: number, name: string, runMs: number, pageFaults = 0): ThreadTime {
  return { thread: `100/${tid}`, name, runMs, waitMs: runMs / 2, pageFaults };
}

test('a name may contain parentheses and blanks', () => {
  assert.equal(nameAndFaults(`7 (node) ${STAT}`), { name: 'node', pageFaults: 79 });
  assert.equal(nameAndFaults(`7 (a) b (c)) ${STAT}`), { name: 'a) b (c)', pageFaults: 79 });
  assert.is(nameAndFaults(''), undefined);
});

test('a thread that began meanwhile counts from its beginning, one that has ended not at all', () => {
  const before = [time(100, 'MainThread', 10, 1), time(101, 'V8Worker', 4)];
  const after = [time(100, 'MainThread', 12, 4), time(102, 'V8Worker', 3)];
  assert.equal(timesBetween(before, after), [
    time(100, 'MainThread', 2, 3),
    time(102, 'V8Worker', 3),
  ]);
});

test('a thread of the runtime is every one that does not work for a run', () => {
  const times = [
    time(100, 'MainThread', 1),
    time(101, 'MainThread', 2),
    time(102, 'WorkerThread', 3),
    time(103, 'V8Worker', 4),
    time(104, 'libuv-worker', 5),
  ];
  const sums = timesByRole(100, times).map(({ role, runMs }) => [role, runMs]);
  assert.equal(sums, [
    ['main', 1],
    ['freezer', 2],
    ['requests', 3],
    ['runtime', 9],
  ]);
});

test('this process: what its main thread has done shows', () => {
  const before = threadTimes(process.pid, 'main-last');
  const untilNs = process.hrtime.bigint() + 20_000_000n;
  let pages = 0;
  while (process.hrtime.bigint() < untilNs) {
    pages += new Uint8Array(65_536).fill(1).length;
  }
  assert.ok(pages > 0);
  const [main] = timesByRole(
    process.pid,
    timesBetween(before, threadTimes(process.pid, 'main-first')),
  ).filter(({ role }) => role === 'main');
  assert.ok((main?.runMs ?? 0) > 1, JSON.stringify(main));
  assert.ok((main?.pageFaults ?? 0) > 0, JSON.stringify(main));
});

test('a process that is gone has no threads', () => {
  assert.equal(threadTimes(2 ** 22 + 1, 'main-last'), []);
});

test.run();
