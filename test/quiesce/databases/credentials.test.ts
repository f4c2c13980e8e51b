import * as assert from 'uvu/assert';
import type { DatabaseKind } from '../../../src/config/workload.ts';
import { passwordsIn, withoutPassword } from '../../../src/quiesce/databases/credentials.ts';
import { parseOratab } from '../../../src/quiesce/databases/oratab.ts';
import { suite } from '../../suite.ts';

const test = suite('database credentials');

const cases: readonly [DatabaseKind, string[], string[], string | undefined][] = [
  ['mysql', ['-u', 'root', '-phush'], ['-u', 'root'], 'hush'],
  ['mysql', ['--password=hush', '--user=a'], ['--user=a'], 'hush'],
  ['mysql', ['--login-path=site', '-P', '3307'], ['--login-path=site', '-P', '3307'], undefined],
  ['postgres', ['-p5433', '-U', 'a'], ['-p5433', '-U', 'a'], undefined],
  ['postgres', ['postgresql://a:h%40sh@db/x'], ['postgresql://a@db/x'], 'h@sh'],
  ['postgres', ["password = 'a \\'b' user=a"], [' user=a'], "a 'b"],
  ['postgres', ['host=/run password=hush user=a'], ['host=/run  user=a'], 'hush'],
  ['postgres', ['postgresql://db/x?password=hush'], ['postgresql://db/x?'], 'hush'],
  ['postgres', ['postgresql://a:p%zz@db/x'], ['postgresql://a@db/x'], 'p%zz'],
  ['postgres', ['postgresql://db/x?password=h%40sh'], ['postgresql://db/x?'], 'h@sh'],
  ['postgres', ['--dbname=postgresql://a:hush@db'], ['--dbname=postgresql://a@db'], 'hush'],
  ['postgres', ['-dpassword=hush user=a'], ['-d user=a'], 'hush'],
  ['mysql', ['--pass=hush'], [], 'hush'],
  ['mysql', ['--passw=hush', '--pager=less'], ['--pager=less'], 'hush'],
  ['mysql', ['--loose-password=hush', '--port=1'], ['--port=1'], 'hush'],
  ['mysql', ['--password1=hush'], [], 'hush'],
  ['mysql', ['-Bphush', '-u', 'a'], ['-B', '-u', 'a'], 'hush'],
  ['mysql', ['-BNphush'], ['-BN'], 'hush'],
  ['mysql', ['-uphp', '-hpdb', '-Dapp', '-Bup'], ['-uphp', '-hpdb', '-Dapp', '-Bup'], undefined],
  ['oracle', ['system/hush@XE as sysdba'], [], 'hush'],
  ['oracle', ['system/hush AS SYSDBA'], [], 'hush'],
  ['oracle', ['/ as sysdba'], [], undefined],
  ['oracle', ['/@//db:1521/XE'], [], undefined],
  ['oracle', ['system/hush@//db:1521/XE'], [], 'hush'],
  ['oracle', ['backup[app]/hush@XE'], [], 'hush'],
  ['oracle', ['A.B/hush'], [], 'hush'],
  ['oracle', ['"A/B"/hush'], [], 'hush'],
  ['oracle', ['system/h@sh@XE'], [], 'h@sh'],
];

for (const [kind, args, rest, password] of cases) {
  test(`takes the password out of ${kind} ${args.join(' ')}`, () => {
    assert.equal(withoutPassword(kind, args), { args: rest, password });
    assert.equal(passwordsIn(kind, args), password === undefined ? [] : [password]);
  });
}

test('the last of several passwords counts, and all of them are known', () => {
  const mysql = ['-pfirst', '-u', 'a', '--password=second'];
  assert.is(withoutPassword('mysql', mysql).password, 'second');
  assert.equal(passwordsIn('mysql', mysql), ['first', 'second']);
  assert.equal(passwordsIn('mysql', [...mysql, '--password2=third']), ['first', 'second', 'third']);
  assert.is(withoutPassword('mysql', [...mysql, '--password2=third']).password, 'second');
});

test('an Oracle password in quotation marks is known with and without them', () => {
  for (const logon of ['system/"p@ss /99"@ORCL', 'system/"p@ss /99" as sysdba']) {
    assert.equal(passwordsIn('oracle', [logon]), ['"p@ss /99"', 'p@ss /99']);
  }
});

test('a password that cannot be decoded is known all the same', () => {
  assert.equal(passwordsIn('postgres', ['postgresql://u:p%zz@h']), ['p%zz']);
});

test('reads an oratab', () => {
  const text = '# comment\nORCL:/u01/home:Y # one\n*:/u01/home:N\n\nXE:/u02/home:N\nbroken\n';
  assert.equal(parseOratab(text), [
    { sid: 'ORCL', home: '/u01/home' },
    { sid: 'XE', home: '/u02/home' },
  ]);
});

test.run();
