import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import {
  millisecondsOf,
  type ProbeFigures,
  type Span,
  stallOf,
} from '../../../bench/probe/figures.ts';
import { PROBE_WRITES, StallProbe } from '../../../bench/probe/stall-probe.ts';
import { compileProgram } from '../../../bench/process/native-programs.ts';
import { LabDisks } from '../../../src/lab/disks.ts';
import { LAB_DIRECTORY } from '../../../src/lab/lab-paths.ts';
import { enterLab } from '../../../src/lab/namespace.ts';
import { runCommand } from '../../../src/lab/run-command.ts';
import { suite } from '../../suite.ts';

await enterLab({ lifetimeSeconds: 600 });
const test = suite('stall probe');
const SOURCE = join(import.meta.dirname, '../../../bench/probe/stall-probe.c');
/** Longer than a writer waits for the processor on a busy machine. */
const FROZEN_MS = 400;

const nowMs = (): number => millisecondsOf(process.hrtime.bigint());

/** Resolves to a span in which the file system was frozen throughout. */
async function freezeFor(mountPoint: string, ms: number): Promise<Span> {
  await runCommand('fsfreeze', ['--freeze', mountPoint]);
  try {
    const startMs = nowMs();
    await delay(ms);
    return { startMs, endMs: nowMs() };
  } finally {
    await runCommand('fsfreeze', ['--unfreeze', mountPoint]);
  }
}

for (const writes of PROBE_WRITES) {
  test(`${writes}: a freeze stalls the writer of its file system and no other, on each type`, async () => {
    await using disks = await LabDisks.create([
      { type: 'ext4' },
      { type: 'xfs' },
      { type: 'btrfs' },
      { type: 'ext4' },
    ]);
    const program = await compileProgram(SOURCE, join(LAB_DIRECTORY, 'probe-test'));
    const files = disks.disks.map(({ mountPoint }) => join(mountPoint, 'probe'));
    await using probe = await StallProbe.start(program, files, { intervalUs: 500, writes });
    for (const [index, { mountPoint, type }] of disks.disks.slice(0, 3).entries()) {
      probe.begin();
      const frozen = await freezeFor(mountPoint, FROZEN_MS);
      await delay(20);
      const { probes } = await probe.end();
      const stallIn = (figures: ProbeFigures | undefined) =>
        figures === undefined ? undefined : stallOf(figures, frozen);
      assert.is(stallIn(probes[index])?.stood, true, `${type} stands still`);
      assert.ok((stallIn(probes[index])?.stallMs ?? 0) >= FROZEN_MS - 1, `${type} pauses as long`);
      assert.is(stallIn(probes[3])?.stood, false, 'another file system goes on');
      assert.ok(probes.every(({ errno }) => errno === 0));
    }
  });
}

test('a pause that is still going on is told as it is', async () => {
  await using disks = await LabDisks.create([{ type: 'ext4' }]);
  const program = await compileProgram(SOURCE, join(LAB_DIRECTORY, 'probe-test'));
  const [{ mountPoint } = { mountPoint: '' }] = disks.disks;
  await using probe = await StallProbe.start(program, [join(mountPoint, 'probe')], {
    intervalUs: 500,
    writes: 'data',
  });
  probe.begin();
  await runCommand('fsfreeze', ['--freeze', mountPoint]);
  try {
    const startMs = nowMs();
    await delay(FROZEN_MS);
    const { probes, endMs } = await probe.end();
    const last = probes[0]?.pauses.at(-1);
    // Both are sums of the same nanoseconds, added up in different orders.
    assert.ok(Math.abs((last?.endMs ?? 0) - endMs) < 0.001);
    assert.ok((last?.startMs ?? startMs) < startMs);
  } finally {
    await runCommand('fsfreeze', ['--unfreeze', mountPoint]);
  }
});

test.run();
