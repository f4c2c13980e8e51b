import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { mysqlLogon } from '../../../src/quiesce/databases/mysql-logon.ts';
import { suite } from '../../suite.ts';

const test = suite('the logon of a MySQL client');
const FILE = '/proc/self/fd/3';

const cases: readonly [
  name: string,
  args: readonly string[],
  left: readonly string[],
  file: string | undefined,
][] = [
  ['no password', ['-u', 'a'], ['-u', 'a'], undefined],
  [
    'a password',
    ['-u', 'a', '-phush'],
    [`--defaults-extra-file=${FILE}`, '-u', 'a'],
    '!include HOME/.my.cnf\n[client]\npassword="hush"\n',
  ],
  [
    'a further option file',
    ['--defaults-extra-file=/x y', '-phush'],
    [`--defaults-extra-file=${FILE}`],
    '!include /x y\n!include HOME/.my.cnf\n[client]\npassword="hush"\n',
  ],
  [
    'one option file alone',
    ['--defaults-file=/x', '-phush', '-h', 'b'],
    [`--defaults-file=${FILE}`, '-h', 'b'],
    '!include /x\n[client]\npassword="hush"\n',
  ],
  [
    'quotation marks, backslashes and a number sign in the password',
    [`--password=a"b'c\\d #e`],
    [`--defaults-extra-file=${FILE}`],
    `!include HOME/.my.cnf\n[client]\npassword="a\\"b\\'c\\\\d #e"\n`,
  ],
];

for (const [name, args, left, file] of cases) {
  test(`${name}`, () => {
    const home = mkdtempSync(join(tmpdir(), 'flashfreeze-home-'));
    try {
      writeFileSync(join(home, '.my.cnf'), '');
      const logon = mysqlLogon(args, { home });
      assert.equal(logon.args, left);
      assert.is(logon.privateFile, file?.replaceAll('HOME', home));
      assert.not.match(JSON.stringify([logon.args, logon.environment]), 'hush');
    } finally {
      rmSync(home, { recursive: true });
    }
  });
}

test('without option files, or with a login path, the password is in the environment', () => {
  for (const option of ['--no-defaults', '--login-path=backup']) {
    const logon = mysqlLogon([option, '-phush'], { home: '/nowhere' });
    assert.equal(logon, { args: [option], environment: { MYSQL_PWD: 'hush' } });
  }
});

test.run();
