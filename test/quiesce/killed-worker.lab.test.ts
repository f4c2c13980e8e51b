import { chmodSync, writeFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { ENGINES } from '../../src/lab/databases/engine.ts';
import { makeAccounts, Transfers } from '../../src/lab/databases/transfers.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { Rig } from '../commands/rig.ts';
import { RunningCommand } from '../faults/running-command.ts';
import { untilRequested } from '../faults/watch-requests.ts';
import { suite } from '../suite.ts';

await enterLab({ lifetimeSeconds: 600, commands: ENGINES.flatMap(({ commands }) => commands) });

const test = suite('a worker that dies while a database is quiesced');
const WORKLOAD = '/lab/workload.conf';

for (const engine of ENGINES) {
  for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
    test(`${engine.name}, ${signal} in the window: it accepts writes again without help`, async () => {
      await using rig = await Rig.create(engine.disks);
      const [data, log] = rig.disks.disks.map(({ mountPoint }) => mountPoint);
      await using database = await engine.create([data ?? '', log ?? '']);
      await makeAccounts(database, engine);
      writeFileSync(WORKLOAD, database.workload.replace('timeout = 20', 'timeout = 4'));
      chmodSync(WORKLOAD, 0o600);
      await rig.server.setFault({
        blob: 'disk0',
        at: 'request',
        fault: { kind: 'no-answer', handled: true },
      });
      await using transfers = await Transfers.connect(database, engine, 1);
      await transfers.go(200);
      using command = RunningCommand.start([
        ...['snapshot', ...rig.blobArguments, '--workload', WORKLOAD, '--timeout', '3'],
      ]);
      await untilRequested(rig.server, command, ({ operation }) => operation === 'snapshot');
      command.signal(signal);
      const struckMs = Date.now();
      await transfers.go(500);
      // Ends only when every writer's transaction has been acknowledged.
      await transfers.rest();
      for (const all of transfers.history) {
        assert.ok((all.at(-1)?.acknowledgedMs ?? 0) > struckMs);
      }
    });
  }
}

test.run();
