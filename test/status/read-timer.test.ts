import * as assert from 'uvu/assert';
import { timerIn } from '../../src/status/read-timer.ts';
import { suite } from '../suite.ts';

const test = suite('timer of systemd');

/** As systemd 252 prints it. */
function shown(timer: Record<string, string>, service: Record<string, string> = {}): string {
  const block = (values: Record<string, string>): string =>
    Object.entries(values)
      .map(([name, value]) => `${name}=${value}`)
      .join('\n');
  return `${block({
    NextElapseUSecRealtime: 'Mon 2026-11-30 02:00:00 UTC',
    LastTriggerUSec: 'Sun 2026-11-29 02:00:03 UTC',
    Result: 'success',
    Id: 'flashfreeze-snapshot.timer',
    LoadState: 'loaded',
    ActiveState: 'active',
    ...timer,
  })}\n\n${block({
    Result: 'success',
    ExecMainStatus: '0',
    Id: 'flashfreeze-snapshot.service',
    LoadState: 'loaded',
    ActiveState: 'inactive',
    ...service,
  })}\n`;
}

test('says when it starts the next run and started the last one', () => {
  assert.equal(timerIn(shown({})), {
    timer: 'flashfreeze-snapshot.timer',
    isActive: true,
    next: new Date('2026-11-30T02:00:00Z'),
    last: new Date('2026-11-29T02:00:03Z'),
    failure: undefined,
  });
});

test('one that does not run, or never has, has no times', () => {
  for (const none of ['', 'n/a', '56y 11month 2w 1d']) {
    const timer = timerIn(
      shown({ ActiveState: 'inactive', NextElapseUSecRealtime: none, LastTriggerUSec: none }),
    );
    assert.equal([timer?.isActive, timer?.next, timer?.last], [false, undefined, undefined]);
  }
});

test('a start that failed is named', () => {
  const failed = { Result: 'exit-code', ExecMainStatus: '2' };
  assert.equal(timerIn(shown({}, failed))?.failure, {
    service: 'flashfreeze-snapshot.service',
    result: 'exit code 2',
  });
  assert.is(timerIn(shown({}, { Result: 'timeout' }))?.failure?.result, 'timeout');
});

test('a machine without the timer has none', () => {
  assert.is(timerIn(shown({ LoadState: 'not-found' })), undefined);
  assert.is(timerIn(''), undefined);
});

test.run();
