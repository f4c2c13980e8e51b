import * as assert from 'uvu/assert';
import { ENGINES, MARIADB } from '../../../src/lab/databases/engine.ts';
import { enterLab } from '../../../src/lab/namespace.ts';
import { suite } from '../../suite.ts';
import { DatabaseProof } from './database-proof.ts';

await enterLab({
  lifetimeSeconds: 600,
  commands: ENGINES.flatMap(({ commands }) => commands),
});

const test = suite('the proof with databases');
const OPTIONS = { latencyMs: { from: 5, to: 150 }, seed: 3 };

for (const engine of ENGINES) {
  test(`${engine.name}: a server on each snapshot shows exactly the transactions before the barrier`, async () => {
    await using proof = await DatabaseProof.setUp(engine, OPTIONS);
    for (let number = 1; number <= 2; number += 1) {
      const { faults, transactions } = await proof.round();
      assert.equal(faults, []);
      assert.ok(transactions > 100, `${transactions} transactions`);
    }
  });
}

test('without the freeze the same is found wrong', async () => {
  const options = ['--no-freeze', '--no-quiesce'];
  const wrong: string[] = [];
  await using proof = await DatabaseProof.setUp(MARIADB, {
    ...OPTIONS,
    latencyMs: { from: 150, to: 300 },
    options,
    expected: 'crashConsistent',
  });
  for (let number = 1; number <= 3 && wrong.length === 0; number += 1) {
    wrong.push(
      ...(await proof.round().then(
        ({ faults }) => faults,
        (error) => [String(error)],
      )),
    );
  }
  assert.ok(wrong.length > 0);
});

test.run();
