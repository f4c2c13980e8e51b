import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { FAULT_KINDS } from '../../bench/faults/draw.ts';
import { parseCampaign, USAGE } from '../../bench/faults/options.ts';
import { tryCommand } from '../../src/lab/run-command.ts';
import { suite } from '../suite.ts';

const test = suite('options of the fault campaign');

test('options are read, the rest is the default', () => {
  const all = { kind: 'campaign', rounds: 300, seed: 1, lanes: 1, kinds: FAULT_KINDS };
  assert.equal(parseCampaign([]), all);
  const given = [
    '--rounds',
    '7',
    '--seed=0',
    '--lanes',
    '2',
    '--fault',
    'stop-worker',
    '--fault',
    'kill-worker',
  ];
  const kinds = ['kill-worker', 'stop-worker'];
  assert.equal(parseCampaign(given), { kind: 'campaign', rounds: 7, seed: 0, lanes: 2, kinds });
  assert.equal(parseCampaign(['--rounds', 'x', '--help']), { kind: 'help' });
});

test('what cannot be meant is refused with the option named', () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['--round', '3'], /--round\b/],
    [['--rounds', '0'], /--rounds must be .*, not "0"/],
    [['--rounds', '1.5'], /--rounds must be/],
    [['--rounds', ''], /--rounds must be/],
    [['--seed', '1e3'], /--seed must be/],
    [['--lanes', '0'], /--lanes must be/],
    [['--fault', 'kill'], /--fault must be one of kill-worker, .*, not "kill"/],
    [['12'], /positional/],
  ];
  for (const [argv, expected] of cases) {
    assert.throws(() => parseCampaign(argv), expected);
  }
});

test('prints its usage, or one line of what is wrong with its options', async () => {
  const main = join(import.meta.dirname, '../../bench/faults/main.ts');
  const helped = await tryCommand(process.execPath, [main, '--help']);
  assert.equal([helped.code, helped.stdout, helped.stderr], [0, `${USAGE}\n`, '']);
  for (const options of [['--rounds', '0'], ['--rounds', '--seed'], ['--x']]) {
    const refused = await tryCommand(process.execPath, [main, ...options]);
    assert.equal([refused.code, refused.stdout], [2, '']);
    assert.match(refused.stderr, /^npm run faults: .*; see npm run faults -- --help\n$/);
  }
});

test.run();
