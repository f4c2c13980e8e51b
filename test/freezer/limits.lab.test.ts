import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { ControlGroup, hierarchies } from '../../src/lab/control-group.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { suite } from '../suite.ts';

await enterLab();

const test = suite('limits');
const FIXTURE = join(import.meta.dirname, 'fixtures', 'prepare-freeze.ts');
/** Node.js itself needs this many, and a few more. */
const FEWEST_PROCESSES = 12;
const MOST_PROCESSES = 64;

test('a limit on processes gives its own error, with a remedy', async () => {
  await using group = ControlGroup.create(hierarchies().includes('pids') ? 'pids' : 'unified');
  const said: string[] = [];
  for (let most = FEWEST_PROCESSES; most < MOST_PROCESSES; most += 4) {
    group.write('pids.max', String(most));
    // If not even Node.js can start its threads, it prints nothing.
    said.push(await group.output(process.execPath, [FIXTURE], 60));
  }
  assert.is(said.at(-1), 'prepared');
  const failures = said.filter((line) => !['prepared', ''].includes(line));
  for (const failure of failures) {
    assert.match(failure, /^FF_(LIMIT_REACHED|GUARDIAN_LOST) .*EAGAIN.*; .*TasksMax=/);
  }
  assert.ok(
    failures.some((failure) => failure.startsWith('FF_LIMIT_REACHED')),
    said.join('\n'),
  );
});

test.run();
