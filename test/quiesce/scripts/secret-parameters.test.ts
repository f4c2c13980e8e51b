import * as assert from 'uvu/assert';
import { secretsInParameters } from '../../../src/quiesce/scripts/secret-parameters.ts';
import { suite } from '../../suite.ts';

const test = suite('parameters of scripts that may be passwords');

const cases: readonly [parameters: string[], secrets: string[]][] = [
  [
    ['s3cretpw', 'hush1234', 'p@ss', 'XkdPqWzR'],
    ['s3cretpw', 'hush1234', 'p@ss', 'XkdPqWzR'],
  ],
  [
    ['--password=s3cretpw', 'PW=hush1234', 'user=backup'],
    ['s3cretpw', 'hush1234'],
  ],
  [['freeze', 'True', 'None', 'MySQL', 'PostgreSQL', 'my-app_prod', 'ops@db.example.com'], []],
  [['5432', '10.0.0.1', '00:30', '', 'sdc1', 'ext4', 'web01', 'db-a'], []],
  [['/var/lib/mysql1', '-uroot1', '--user=backup', '--data=/srv/1a2b3c', '-'], []],
];

for (const [parameters, secrets] of cases) {
  test(`of ${parameters.join(' ')}: ${secrets.join(' ') || 'none'}`, () => {
    assert.equal(secretsInParameters(parameters), secrets);
  });
}

test('a long parameter is judged at once', () => {
  const begun = performance.now();
  secretsInParameters(['a'.repeat(100_000), `${'Ab'.repeat(50_000)}!`, `${'A'.repeat(100_000)}!`]);
  assert.ok(performance.now() - begun < 1_000);
});

test.run();
