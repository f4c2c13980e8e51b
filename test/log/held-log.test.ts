import assert from 'node:assert/strict';
import { HeldLog, type HeldLogOptions } from '../../src/log/held-log.ts';
import { Redaction } from '../../src/log/redaction.ts';
import { suite } from '../suite.ts';

const test = suite('held log');

interface Recording {
  readonly log: HeldLog;
  readonly redaction: Redaction;
  readonly writes: string[];
  text(): string;
}

/** A log whose clock moves on by one second with every line. */
function recordingLog(options: Partial<HeldLogOptions> = {}): Recording {
  const writes: string[] = [];
  const redaction = new Redaction();
  let seconds = 0;
  const log = new HeldLog({
    sink: { write: (lines) => writes.push(lines) },
    redaction,
    now: () => new Date(Date.UTC(2026, 10, 22, 2, 41, seconds++)),
    ...options,
  });
  return { log, redaction, writes, text: () => writes.join('') };
}

test('a line is written at once, with UTC time and level', () => {
  const { log, text } = recordingLog();
  log.warning('one disk is slow');
  assert.equal(text(), '2026-11-22T02:41:00.000Z WARNING one disk is slow\n');
});

test('nothing is written between hold and release, then everything in order as it was stamped', () => {
  const { log, writes, text } = recordingLog();
  log.hold();
  log.info('frozen');
  log.error('slow');
  log.hold();
  log.info('thawed');
  assert.deepEqual(writes, []);
  log.release();
  log.release();
  log.info('after');
  assert.deepEqual(text().split('\n'), [
    '2026-11-22T02:41:00.000Z INFO frozen',
    '2026-11-22T02:41:01.000Z ERROR slow',
    '2026-11-22T02:41:02.000Z INFO thawed',
    '2026-11-22T02:41:03.000Z INFO after',
    '',
  ]);
});

test('a log that keeps nothing of a freeze writes what came before and after it, also of a longer hold', () => {
  for (const logsWhileFrozen of [false, true]) {
    const { log, writes, text } = recordingLog({ logsWhileFrozen });
    log.hold();
    log.info('before');
    log.freezeBegins();
    log.info('frozen');
    log.error('slow');
    log.freezeEnds();
    log.info('after');
    assert.deepEqual(writes, []);
    log.release();
    const of = logsWhileFrozen ? ['before', 'frozen', 'slow', 'after'] : ['before', 'after'];
    assert.deepEqual(
      text()
        .trimEnd()
        .replaceAll(/^\S+ \S+ /gm, '')
        .split('\n'),
      of,
    );
  }
});

test('a freeze holds the log beyond its end, until the release', () => {
  const { log, writes } = recordingLog();
  log.freezeBegins();
  log.info('frozen');
  log.freezeEnds();
  assert.deepEqual(writes, []);
  log.release();
  assert.equal(writes.length, 1);
});

test('lesser levels than the minimum are not logged', () => {
  const { log, text } = recordingLog({ minimumLevel: 'warning' });
  log.verbose('a');
  log.info('b');
  log.error('c');
  assert.match(text(), /^\S+ ERROR c\n$/);
});

test('the oldest informational lines make room, errors and warnings stay, the count is told', () => {
  const { log, text } = recordingLog({ maxHeldLines: 5 });
  log.hold();
  log.error('first error');
  for (let line = 0; line < 1000; line++) {
    log.info(`line ${line}`);
  }
  log.warning('a warning');
  log.release();
  const kept = text().replaceAll(/^\S+ /gm, '').trimEnd().split('\n');
  assert.deepEqual(kept, [
    'ERROR first error',
    'INFO line 997',
    'INFO line 998',
    'INFO line 999',
    'WARNING a warning',
    'WARNING 997 log lines were dropped: more were logged than memory may hold until the end of the run',
  ]);
});

test('memory is bounded by characters too, and the first errors outlast the later ones', () => {
  const { log, text } = recordingLog({ maxHeldCharacters: 20 });
  log.hold();
  log.info('x'.repeat(15));
  log.error('e1'.repeat(5));
  log.error('e2'.repeat(5));
  log.error('e3'.repeat(5));
  log.error('x'.repeat(50));
  log.release();
  assert.match(text(), /(e1){5}.*(e2){5}.*3 log lines were dropped/s);
  assert.doesNotMatch(text(), /x{5}|e3/);
});

test('every line is redacted, also with secrets that became known while it was held', () => {
  const { log, redaction, text } = recordingLog();
  log.hold();
  log.info('PUT https://a/b?sig=abc%3D and later-known');
  redaction.add('later-known');
  log.release();
  assert.match(text(), /INFO PUT https:\/\/a\/b\?sig=REDACTED and REDACTED\n$/);
});

test('a text can forge neither a line nor a terminal command', () => {
  const { log, text } = recordingLog();
  log.info('output:\n2026-11-22T02:41:00.000Z ERROR forged\r\u001b[2J\u009b');
  assert.equal(
    text(),
    '2026-11-22T02:41:00.000Z INFO output:\n' +
      '    2026-11-22T02:41:00.000Z ERROR forged\\x0d\\x1b[2J\\x9b\n',
  );
});

test('a sink that fails does not fail the caller, and the loss is told once it works again', () => {
  let broken = true;
  const writes: string[] = [];
  const sink = {
    write: (lines: string): void => {
      if (broken) throw new Error('No space left on device');
      writes.push(lines);
    },
  };
  const { log } = recordingLog({ sink });
  log.hold();
  log.info('a');
  log.info('b');
  log.release();
  broken = false;
  log.info('c');
  log.info('d');
  assert.match(
    writes.join(''),
    /^\S+ INFO c\n\S+ WARNING 2 log lines were lost: the log could not be written\n\S+ INFO d\n$/,
  );
});

test.run();
