/** Whoever reads what a run prints may be gone before its end: a closed terminal, `| head`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { JOURNAL_DIRECTORY } from '../../src/backup/journal/journal.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { MAIN } from '../commands/command-line.ts';
import { Rig } from '../commands/rig.ts';
import { suite } from '../suite.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('closed output');

for (const signal of [undefined, 'SIGHUP'] as const) {
  test(`output that is closed while everything is frozen ends no run${signal === undefined ? '' : ', with SIGHUP neither'}`, async () => {
    await using rig = await Rig.create([{ type: 'ext4' }], 2_500);
    if (signal !== undefined) {
      const fault = { kind: 'no-answer', handled: true } as const;
      await rig.server.setFault({ blob: 'disk0', at: 'request', fault });
    }
    const child = spawn(process.execPath, [MAIN, 'snapshot', ...rig.blobArguments], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = once(child, 'close');
    const isFired = async (): Promise<boolean> =>
      (await rig.server.requests()).some(({ operation }) => operation === 'snapshot');
    child.stderr.resume();
    while (!(await isFired())) {
      await delay(10);
    }
    child.stdout.destroy();
    child.stderr.destroy();
    if (signal !== undefined) {
      child.kill(signal);
    } else {
      await rig.server.answerNow();
    }
    assert.equal(await ended, [signal === undefined ? 0 : 129, null]);
    // Its end was orderly: nothing is left to be looked after.
    assert.not(readdirSync(JOURNAL_DIRECTORY).some((name) => name.endsWith('.json')));
  });
}

test.run();
