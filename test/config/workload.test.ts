import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { splitArguments } from '../../src/config/argument-words.ts';
import {
  DEFAULT_WORKLOAD_TIMEOUT_MS,
  parseWorkload,
  readWorkload,
} from '../../src/config/workload.ts';
import { WORKLOAD_TEMPLATE } from '../../src/config/workload-template.ts';
import { suite } from '../suite.ts';

const test = suite('workload.conf');

test('reads every key', () => {
  const text = `[workload]
workload_name = mysql
command_path = /usr/bin/
credString = -u backup -p'two words' -h localhost
linux_user = mysql
role = slave
enforceSlaveOnly = True
ipc_folder = /
timeout = 30
dbnames = a, b
customScriptEnabled = False
configuration_path = /etc/oratab

[logbackup]
anything = 1
`;
  assert.equal(parseWorkload(text, 'w.conf'), {
    ok: true,
    path: 'w.conf',
    name: 'mysql',
    kind: 'mysql',
    commandPath: '/usr/bin/',
    credentials: ['-u', 'backup', '-ptwo words', '-h', 'localhost'],
    user: 'mysql',
    replicaOnly: true,
    timeoutMs: 30_000,
    databases: ['a', 'b'],
    instancesPath: '/etc/oratab',
    warnings: ['w.conf: [logbackup] is not supported; the archived logs are not copied anywhere'],
  });
});

test('has defaults for what is missing', () => {
  const workload = parseWorkload('[workload]\nworkload_name=Postgres', 'w.conf');
  assert.ok(workload?.ok);
  assert.is(workload.kind, 'postgres');
  assert.is(workload.user, 'postgres');
  assert.is(workload.timeoutMs, DEFAULT_WORKLOAD_TIMEOUT_MS);
  assert.is(workload.replicaOnly, false);
});

test('an empty or missing name or section means none; a missing file that was named is 501', () => {
  assert.is(parseWorkload('[workload]\nworkload_name =\nrole = nonsense', 'w.conf'), undefined);
  assert.is(parseWorkload('[logbackup]\na=1', 'w.conf'), undefined);
  const missing = readWorkload('/nowhere/w.conf');
  assert.is(missing?.ok === false && missing.code, 501);
});

test('a word for none means none', () => {
  for (const word of ['none', 'None', '"none"', 'null', 'no', 'False', 'off', 'N/A', '-', "''"]) {
    for (const after of ['', '\nhello']) {
      const text = `[workload]\nworkload_name = ${word}${after}`;
      assert.is(parseWorkload(text, 'w.conf'), undefined, text);
    }
  }
});

test('takes what other tools take: names between semicolons, quotations, doubled percent signs', () => {
  const workload = parseWorkload(
    `[workload]
  workload_name = postgres
  command_path = "/opt/pg 15/bin"
  dbnames = one;two;three
  credString = "host=/run/pg user=backup" -v 'a b' -w%%
`,
    'w.conf',
  );
  assert.ok(workload?.ok);
  assert.is(workload.commandPath, '/opt/pg 15/bin');
  assert.equal(workload.databases, ['one', 'two', 'three']);
  assert.equal(workload.credentials, ['host=/run/pg user=backup', '-v', 'a b', '-w%']);
});

test('takes the logon of Oracle as it is written', () => {
  const logon = 'system/"p@ss 99"@ORCL as sysdba';
  const workload = parseWorkload(
    `[workload]\nworkload_name = oracle\ncredString = ${logon}`,
    'w.conf',
  );
  assert.ok(workload?.ok);
  assert.equal(workload.credentials, [logon]);
});

const refused: readonly [string, string, number][] = [
  ['a name that nobody knows', 'workload_name = db2', 503],
  ['a name that every object has', 'workload_name = constructor', 503],
  ['a role that nobody knows', 'workload_name = mysql\nrole = witness', 502],
  ['a quotation mark alone', 'workload_name = mysql\ncredString = -p"x', 501],
  ['a quotation mark alone', 'workload_name = oracle\ncredString = a/"x@ORCL', 501],
  ['a line that is none', 'workload_name = mysql\nnonsense', 501],
  ['an ipc_folder that is none', 'workload_name = oracle\nipc_folder = /nowhere', 507],
];

for (const [name, text, code] of refused) {
  test(`refuses ${name} with code ${code}`, () => {
    const workload = parseWorkload(`[workload]\n${text}`, 'w.conf');
    assert.is(workload?.ok === false && workload.code, code);
  });
}

const words: readonly [string, string[] | undefined][] = [
  ['', []],
  ['  a   b ', ['a', 'b']],
  [`-p'a b'"c d"e`, ['-pa bc de']],
  [`"a\\"b" 'a\\b' a\\ b`, ['a"b', 'a\\b', 'a b']],
  [`'' ""`, ['', '']],
  ['$HOME `id` *', ['$HOME', '`id`', '*']],
  ['-pa\u00a0b\tc', ['-pa\u00a0b', 'c']],
  [`a 'b`, undefined],
  ['a "b', undefined],
];

for (const [text, expected] of words) {
  test(`splits ${JSON.stringify(text)} as a shell would, expanding nothing`, () => {
    assert.equal(splitArguments(text), expected);
  });
}

test('a time-out that is none gives the default and a warning', () => {
  for (const timeout of ['soon', '90s', '0', '-1']) {
    const read = parseWorkload(`[workload]\nworkload_name = mysql\ntimeout = ${timeout}`, 'w.conf');
    assert.ok(read?.ok, timeout);
    assert.is(read.timeoutMs, DEFAULT_WORKLOAD_TIMEOUT_MS);
    assert.match(
      read.warnings.join(),
      /^w\.conf: timeout is not a number of seconds above 0; 90 is used/,
    );
  }
});

test('a file that cannot be understood and names no workload means none', () => {
  for (const text of [
    '[workload]\nworkload_name =\nhello',
    'see the wiki for how to fill this in\n',
    '<html><body>404</body></html>',
    '\0'.repeat(100),
    '# workload_name = mysql\nhello',
    "[workload]\nworkload_name = ''\nhello",
  ]) {
    assert.is(parseWorkload(text, 'w.conf'), undefined, JSON.stringify(text));
  }
  const named = parseWorkload('workload_name = mysql\n', 'w.conf');
  assert.is(named?.ok === false && named.code, 501);
});

test('where others than root control the path, a file that names no workload means none, and one that names one is 501', () => {
  // The folder for temporary files is writable by everyone.
  const folder = mkdtempSync(join(tmpdir(), 'workload-'));
  try {
    const path = join(folder, 'workload.conf');
    writeFileSync(path, WORKLOAD_TEMPLATE, { mode: 0o744 });
    assert.is(readWorkload(path), undefined);
    const link = join(folder, 'link.conf');
    symlinkSync(path, link);
    assert.is(readWorkload(link), undefined);
    writeFileSync(path, '[workload]\nworkload_name = postgres\n');
    for (const it of [path, link, folder]) {
      const read = readWorkload(it);
      assert.is(read?.ok === false && read.code, 501, it);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('customScriptEnabled is named with what to use instead', () => {
  const read = parseWorkload(
    '[workload]\nworkload_name = mysql\ncustomScriptEnabled = True\n',
    'w.conf',
  );
  assert.match(
    read?.ok === true ? read.warnings.join() : '',
    /customScriptEnabled is not supported.*pre- or post-script/,
  );
});

test.run();
