import fc from 'fast-check';
import * as assert from 'uvu/assert';
import type { DatabaseKind } from '../../../src/config/workload.ts';
import { redact } from '../../../src/log/redaction.ts';
import {
  faultOfCredentials,
  passwordsIn,
  withoutPassword,
} from '../../../src/quiesce/databases/credentials.ts';
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
  ['postgres', ['host=db password=a&b user=x'], ['host=db  user=x'], 'a&b'],
  [
    'postgres',
    ['host=db user=backup password=hush&ssw0rd'],
    ['host=db user=backup '],
    'hush&ssw0rd',
  ],
  ['postgres', ['password=a\\ b user=x'], [' user=x'], 'a b'],
  ['postgres', ['password=a\u00a0b user=x'], [' user=x'], 'a\u00a0b'],
  ['postgres', ["password='a'user=x"], ['user=x'], 'a'],
  [
    'postgres',
    ["application_name='a password=b' password=c"],
    ["application_name='a password=b' "],
    'c',
  ],
  ['postgres', ['password=postgres://a&b'], [''], 'postgres://a&b'],
  ['postgres', ['PassWord=hush'], [''], 'hush'],
  ['postgres', ['-dpassword=hush', '-U', 'a'], ['-d', '', '-U', 'a'], 'hush'],
  ['postgres', ['-qdhost=db password=hush'], ['-qdhost=db '], 'hush'],
  [
    'postgres',
    ['postgresql://db/x?password=a&sslmode=require'],
    ['postgresql://db/x?sslmode=require'],
    'a',
  ],
  ['postgres', ['postgresql://db/x?user=b&password=a b'], ['postgresql://db/x?user=b'], 'a b'],
  ['postgres', ['postgresql://db/x?pass%77ord=hush&'], ['postgresql://db/x?'], 'hush'],
  [
    'postgres',
    ['postgres://a:p?w:x%26y@[::1]:5432,[::2]/x'],
    ['postgres://a@[::1]:5432,[::2]/x'],
    'p?w:x&y',
  ],
  ['postgres', ['postgresql://[::1]:5432/x'], ['postgresql://[::1]:5432/x'], undefined],
  ['postgres', ['postgresql://a@%2Frun/x@y'], ['postgresql://a@%2Frun/x@y'], undefined],
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
    assert.is(faultOfCredentials(kind, args), undefined);
  });
}

/** Arguments that would show a part of a secret, which has `ssh` in it, and a word of the message. */
const shown: readonly [DatabaseKind, string[], string][] = [
  ['postgres', ['host=db sslpassword=ssh'], 'service='],
  ['postgres', ['postgresql://db/x?sslpassword=ssh'], 'service='],
  ['postgres', ['postgresql://db/x?ssl%70assword=ssh&password=a'], 'service='],
  ['postgres', ['host=db oauth_client_secret=ssh'], 'service='],
  ['postgres', ['host=db scram_client_key=ssh'], 'service='],
  ['postgres', ['host=db Scram_Server_Key=ssh'], 'service='],
  ['postgres', ['postgresql://a:p@ssh@db/x'], '%40'],
  ['postgres', ['postgresql://a:p/ssh@db/x'], '%2F'],
  ['postgres', ['postgresql://a:p@db/ssh@db/x'], '%40'],
  ['postgres', ['postgresql://db:5432?password=p@ssh'], '%40'],
  ['postgres', ['postgresql://db/x?password=a&ssh'], '%26'],
  ['postgres', ['host=db password=a ssh'], 'single quotes'],
  ['postgres', ["host=db password='it's ssh'"], 'single quotes'],
  ['postgres', ["host=db password='ssh"], 'single quotes'],
  ['postgres', ['host=db dbname=postgresql://a:ssh@db'], 'postgresql://'],
  ['postgres', ['jdbc:postgresql://a:ssh@db'], 'postgresql://'],
  ['postgres', ['host=db passwort=ssh'], 'did you mean password'],
  ['postgres', ['postgresql://db/x?passwd=ssh'], 'did you mean password'],
  ['mysql', ['--pasword=ssh'], 'did you mean password'],
  ['mysql', ['-u', 'a', '-p', 'ssh'], '--password='],
  ['mysql', ['--password', 'ssh'], '--password='],
];

for (const [kind, args, words] of shown) {
  test(`refuses ${kind} ${args.join(' ')}, which would be shown to others`, () => {
    const fault = faultOfCredentials(kind, args) ?? '';
    assert.match(fault, words);
    assert.not.match(fault, 'ssh');
    // Nothing in it looks like a secret.
    assert.is(redact(fault), fault);
  });
}

test('what asks for no password, or has no secret, is left to the client', () => {
  for (const args of [['-p'], ['-p', '-u', 'a'], ['-u', 'a']]) {
    assert.is(faultOfCredentials('mysql', args), undefined);
  }
  for (const args of [['-v', 'A=b c'], ['host=db user'], ['a database of ours'], ['-d', '']]) {
    assert.is(faultOfCredentials('postgres', args), undefined);
    assert.equal(withoutPassword('postgres', args), { args, password: undefined });
  }
});

test('whatever characters a password has, it is found as a whole and nothing of it is left', () => {
  const word = fc.string({ unit: 'grapheme', minLength: 1 }).filter((it) => !it.includes('\0'));
  const uri = word.filter((it) => it.isWellFormed());
  const found = (arg: string, rest: string, password: string): void => {
    assert.equal(withoutPassword('postgres', [arg]), { args: [rest], password });
    assert.is(faultOfCredentials('postgres', [arg]), undefined);
  };
  fc.assert(
    fc.property(word, (password) => {
      const quoted = password.replace(/['\\]/g, '\\$&');
      const bare = password.replace(/['\\\s]/g, '\\$&');
      found(`host=a password='${quoted}' user=b`, 'host=a  user=b', password);
      found(`host=a password = ${bare} user=b`, 'host=a  user=b', password);
    }),
  );
  fc.assert(
    fc.property(uri, (password) => {
      const encoded = encodeURIComponent(password);
      found(`postgresql://u:${encoded}@[::1]/d`, 'postgresql://u@[::1]/d', password);
      found(`postgresql://u@h/d?password=${encoded}&a=b`, 'postgresql://u@h/d?a=b', password);
    }),
  );
});

test('the last of several passwords counts, and all of them are known', () => {
  const mysql = ['-pfirst', '-u', 'a', '--password=second'];
  assert.is(withoutPassword('mysql', mysql).password, 'second');
  assert.equal(passwordsIn('mysql', mysql), ['first', 'second']);
  assert.equal(passwordsIn('mysql', [...mysql, '--password2=third']), ['first', 'second', 'third']);
  assert.is(withoutPassword('mysql', [...mysql, '--password2=third']).password, 'second');
  assert.equal(passwordsIn('mysql', ['--loose-password3=third']), ['third']);
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
