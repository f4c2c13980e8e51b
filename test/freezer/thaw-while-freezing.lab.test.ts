import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { Guardian } from '../../src/freezer/guardian.ts';
import { enterThawed, readLedger } from '../../src/freezer/ledger.ts';
import { LabDisks } from '../../src/lab/disks.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { suite } from '../suite.ts';
import { inMs, RecordedFreezer } from './recorded-freezer.ts';
import { writable } from './writer.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('thaw while freezing');
/** A freeze that is not stuck takes some ms. */
const STUCK_MS = 300;

/** As in `/proc/<pid>/stat`: `D` is uninterruptible sleep. */
async function stateOfThread(thread: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/self/task/${thread}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[0];
}

test('a thaw asked for during a FIFREEZE follows it, whatever the guardian has entered in the ledger', async () => {
  await using lab = await LabDisks.create([
    { type: 'ext4', sizeMb: 640 },
    { type: 'ext4', imageOn: 0 },
  ]);
  const mountPoints = lab.disks.map(({ mountPoint }) => mountPoint);
  await writeFile(join(mountPoints[1] ?? '', 'dirty'), 'x'.repeat(1e6));
  const ledgerDirectory = '/lab/ledgers';
  await mkdir(ledgerDirectory, { mode: 0o700 });
  const path = join(ledgerDirectory, 'kept');
  await using recorded = new RecordedFreezer(mountPoints, { ledgerDirectory });
  assert.is(recorded.freezer.keepLedger(path), undefined);
  await using guardian = await Guardian.start(recorded.freezer);
  const armed = await guardian.arm(inMs(20_000));
  armed.freeze([0]);
  await recorded.until('frozen', 1);
  armed.freeze([1]);
  await delay(STUCK_MS);
  assert.is((await readLedger(path))?.fileSystems[1]?.state, 'freezing');
  assert.is(await stateOfThread(recorded.freezer.freezingThreads()[1] ?? 0), 'D');
  // As the guardian does if this process is stopped meanwhile.
  await enterThawed(path, [1]);
  recorded.freezer.thaw([1]);
  recorded.freezer.thaw([0]);
  const thawed = await recorded.until('thawed', 2);
  assert.ok(thawed.every(({ wasFrozen }) => wasFrozen));
  assert.equal(recorded.of('expired'), []);
  await writable(mountPoints);
  armed.disarm();
});

test.run();
