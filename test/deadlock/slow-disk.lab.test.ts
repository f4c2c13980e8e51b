/** Much dirty data on a slow disk: it is flushed while nothing is frozen, or the run ends before the freeze. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { enterLab } from '../../src/lab/namespace.ts';
import type { FreezeSummary } from '../../src/report/freeze-summary.ts';
import { flashfreeze } from '../commands/command-line.ts';
import { writable } from '../freezer/writer.ts';
import { suite } from '../suite.ts';
import { ServedDisk } from './served-disk.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('slow disk');
const DIRTY_BYTES = 24 << 20;
/** Half of what a slow disk needs for that much in writes of 128 KiB; the kernel may write the other half before. */
const flushMs = (writeMs: number): number => ((DIRTY_BYTES / (128 << 10)) * writeMs) / 2;

/** A slow disk with dirty data beside a quick one. The configuration is the lab's own file. */
async function freeze(
  writeMs: number,
  configuration: string,
  ...options: readonly string[]
): Promise<{ summary: FreezeSummary | undefined; stderr: string; quickMs: number }> {
  mkdirSync('/etc/azure', { recursive: true });
  writeFileSync('/etc/azure/vmbackup.conf', `[Flashfreeze]\n${configuration}\n`);
  await using slow = await ServedDisk.create('ext4', '/lab/slow.log', 'reopen', writeMs);
  await using quick = await ServedDisk.create('ext4', '/lab/quick.log', 'reopen');
  writeFileSync(join(slow.mountPoint, 'dump'), Buffer.alloc(DIRTY_BYTES, 1));
  const ended = await flashfreeze([
    ...['freeze', '--json', '--no-timeline', ...options, '--', 'true'],
  ]);
  await writable([slow.mountPoint, quick.mountPoint]);
  const printed = JSON.parse(ended.stdout) as FreezeSummary | { readonly message: string };
  const summary = 'message' in printed ? undefined : printed;
  const ofQuick = summary?.fileSystems.find(({ mountPoint }) => mountPoint === quick.mountPoint);
  return { summary, stderr: ended.stderr, quickMs: ofQuick?.windowMs ?? Number.NaN };
}

test('a slow disk is flushed before anything is frozen, however long it takes', async () => {
  const { summary, stderr, quickMs } = await freeze(25, '');
  assert.is(summary?.held, true, stderr);
  // A busy machine takes longer for the one as for the other.
  const flushedMs = Math.max(summary?.phasesMs.settle ?? 0, flushMs(25));
  assert.ok(quickMs < flushedMs / 4, `${quickMs} ms`);
});

test('a disk that is slower than the limit ends the run before the freeze', async () => {
  const { summary, stderr } = await freeze(25, 'flushLimit = 1');
  assert.is(summary, undefined);
  assert.match(stderr, /served\d+\/disk was not written to disk within 1 s; nothing was frozen/);
  assert.match(stderr, 'FF_FLUSH_TIMEOUT');
});

test('without the flush, the writers of the slow disk are blocked for as long as it takes (negative control)', async () => {
  const { summary } = await freeze(10, 'waveLimit = 60', '--no-settle');
  assert.ok((summary?.windowMs.max ?? 0) > flushMs(10) / 4, JSON.stringify(summary?.windowMs));
});

test.run();
