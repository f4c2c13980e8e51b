import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { parseCommandLine, USAGE } from '../../bench/proof/command-line.ts';
import { DEFAULT_SCENARIO } from '../../bench/proof/scenario.ts';
import { tryCommand } from '../../src/lab/run-command.ts';
import { suite } from '../suite.ts';

const test = suite('command line of the proof');

test('tells what is to be proved', () => {
  assert.equal(parseCommandLine([]), { kind: 'scenario', scenario: DEFAULT_SCENARIO });
  assert.equal(parseCommandLine(['--disks', 'x', '-h']), { kind: 'help' });
  assert.equal(parseCommandLine(['--seed', '3', '--db=postgres', '--latency', '7']), {
    kind: 'database',
    argv: ['--db', 'postgres', '--snapshots', '20', '--latency', '7-7', '--seed', '3'],
  });
});

test('refuses a database that is not known, and options that it has no use for', () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['--db', 'oracle'], /--db must be postgres or mariadb, not "oracle"/],
    [['--db'], /--db/],
    [['--db', 'mariadb', '--snapshots', '0'], /--snapshots must be/],
    [['--db', 'mariadb', '--no-freeze'], /--no-freeze does not go together with --db/],
    [['--db', 'mariadb', '--managed'], /--managed does not go together with --db/],
  ];
  for (const [argv, expected] of cases) {
    assert.throws(() => parseCommandLine(argv), expected);
  }
});

test('prints its usage, or one line of what is wrong with its options', async () => {
  const main = join(import.meta.dirname, '../../bench/proof/proof.ts');
  const helped = await tryCommand(process.execPath, [main, '--help']);
  assert.equal([helped.code, helped.stdout, helped.stderr], [0, `${USAGE}\n`, '']);
  for (const options of [['--disks', '1'], ['--seed', '--disks'], ['--db', 'x'], ['--x']]) {
    const refused = await tryCommand(process.execPath, [main, ...options]);
    assert.equal([refused.code, refused.stdout], [2, '']);
    assert.match(refused.stderr, /^npm run proof: .*; see npm run proof -- --help\n$/);
  }
});

test.run();
