import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { FileLog } from '../../src/log/file-log.ts';
import { HeldLog } from '../../src/log/held-log.ts';
import { Redaction } from '../../src/log/redaction.ts';
import { TaskLog } from '../../src/log/task-log.ts';
import { suite } from '../suite.ts';

const test = suite('log file');

function withFolder(body: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'ff-log-'));
  try {
    body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('lines are in the file when write returns, for root alone, after what was there', () =>
  withFolder((folder) => {
    const path = join(folder, 'azure', 'extension.log');
    new FileLog(path).write('one\n');
    new FileLog(path).write('two\n');
    assert.is(readFileSync(path, 'utf8'), 'one\ntwo\n');
    assert.is(statSync(path).mode & 0o777, 0o600);
  }));

test('a full file makes room for a new one, and one former is kept', () =>
  withFolder((folder) => {
    const path = join(folder, 'extension.log');
    const log = new FileLog(path, 20);
    for (const lines of ['first line..\n', 'fits\n', 'second line\n', 'third line too\n']) {
      log.write(lines);
    }
    assert.is(readFileSync(path, 'utf8'), 'third line too\n');
    assert.is(readFileSync(`${path}.1`, 'utf8'), 'second line\n');
    assert.equal(readdirSync(folder).sort(), ['extension.log', 'extension.log.1']);
  }));

test('a file that cannot be written costs no exception, and the loss is told later', () =>
  withFolder((folder) => {
    const path = join(folder, 'parent', 'extension.log');
    writeFileSync(join(folder, 'parent'), 'a file where a folder should be');
    const log = new FileLog(path);
    log.write('lost\nlost too\n');
    log.write('lost as well\n');
    rmSync(join(folder, 'parent'));
    log.write('kept\n');
    log.write('kept too\n');
    assert.match(
      readFileSync(path, 'utf8'),
      /^\S+Z WARNING 3 log lines were lost: [^\n]+\nkept\nkept too\n$/,
    );
  }));

test('nothing is written to a folder that another user can have made, through a link neither', () =>
  withFolder((folder) => {
    mkdirSync(join(folder, 'elsewhere'));
    symlinkSync('elsewhere', join(folder, 'link'));
    mkdirSync(join(folder, 'foreign'));
    chownSync(join(folder, 'foreign'), 65_534, 0);
    mkdirSync(join(folder, 'writable'));
    chmodSync(join(folder, 'writable'), 0o777);
    for (const [name, reason] of [
      ['link', 'is a symbolic link'],
      ['link/azure', 'is a symbolic link'],
      ['foreign', 'can be changed by other users than root'],
      ['writable', 'can be changed by other users than root'],
    ] as const) {
      const log = new FileLog(join(folder, name, 'extension.log'));
      log.write('a line\n');
      assert.match(log.problem() ?? '', reason);
      assert.match(log.problem() ?? '', `nothing is written to ${folder}/${name}/extension.log: `);
    }
    for (const name of ['elsewhere', 'foreign', 'writable']) {
      assert.equal(readdirSync(join(folder, name)), [], name);
    }
    assert.is(new FileLog(join(folder, 'new', 'extension.log')).problem(), undefined);
  }));

test('the log of a task has what went to the file, redacted, and nothing that is held', () =>
  withFolder((folder) => {
    const path = join(folder, 'extension.log');
    const task = new TaskLog([new FileLog(path)]);
    const log = new HeldLog({ sink: task, redaction: new Redaction() });
    log.info('GET https://a/b?sig=abcdefgh');
    log.hold();
    log.error('while frozen');
    assert.not.match(task.text() + readFileSync(path, 'utf8'), /while frozen/);
    log.release();
    assert.match(task.text(), /INFO GET https:\/\/a\/b\?sig=REDACTED\n\S+ ERROR while frozen\n$/);
    assert.is(task.text(), readFileSync(path, 'utf8'));
  }));

test('the log of a task keeps its last lines, whole, in bounded memory', () => {
  const task = new TaskLog([], 1_000);
  let written = '';
  for (let line = 0; line < 10_000; line += 1) {
    task.write(`line ${line}\n`);
    written += `line ${line}\n`;
  }
  const [, dropped, kept = ''] = /^\((\d+) characters .*\)\n(line .*)$/s.exec(task.text()) ?? [];
  assert.ok(kept.length >= 490 && kept.length <= 1_000, `${kept.length}`);
  assert.is(kept, written.slice(Number(dropped)));
  assert.match(kept, /^line \d+\n.*line 9999\n$/s);
});

test('of a line that is too long for the log of a task the end is kept', () => {
  const task = new TaskLog([], 100);
  task.write(`${'x'.repeat(10_000)}the end\n`);
  assert.match(task.text(), /^\(9958 characters of earlier lines were left out\)\nx+the end\n$/);
});

test.run();
