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
  ['oracle', ['system/hush@XE', 'as', 'sysdba'], [], 'hush'],
  ['oracle', ['/', 'as', 'sysdba'], [], undefined],
];

for (const [kind, args, rest, password] of cases) {
  test(`takes the password out of ${kind} ${args.join(' ')}`, () => {
    assert.equal(withoutPassword(kind, args), { args: rest, password });
    assert.equal(passwordsIn(kind, args), password === undefined ? [] : [password]);
  });
}

test('reads an oratab', () => {
  const text = '# comment\nORCL:/u01/home:Y # one\n*:/u01/home:N\n\nXE:/u02/home:N\nbroken\n';
  assert.equal(parseOratab(text), [
    { sid: 'ORCL', home: '/u01/home' },
    { sid: 'XE', home: '/u02/home' },
  ]);
});

test.run();
