import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { forget, Journal, unfinishedRuns } from '../../../src/backup/journal/journal.ts';
import { processIdentity, stillRuns } from '../../../src/backup/journal/process-identity.ts';
import { suite } from '../../suite.ts';

const test = suite('journal');
const DATA = { mountPoint: '/data', device: '8:16' };

async function temporaryDirectory(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'journal-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

/** An entry as a process that has died meanwhile would have left it. */
async function leaveEntryOfDead(directory: string): Promise<void> {
  const child = spawn('true', { stdio: 'ignore' });
  await once(child, 'exit');
  const process = { pid: child.pid, startTicks: '1' };
  const entry = { process, begun: '2026-11-22T00:00:00.000Z', fileSystems: [DATA] };
  await writeFile(join(directory, 'dead.json'), JSON.stringify(entry));
}

test('a run that ended leaves nothing', async () => {
  await using directory = await temporaryDirectory();
  {
    await using _journal = await Journal.begin([DATA], directory.path);
    assert.is((await readdir(directory.path)).length, 1);
  }
  assert.equal(await readdir(directory.path), []);
});

test('a run that still goes on is not unfinished', async () => {
  await using directory = await temporaryDirectory();
  await using _journal = await Journal.begin([DATA], directory.path);
  assert.equal(await unfinishedRuns(directory.path), []);
});

test('a run whose process died is told with what it may have frozen, until it is forgotten', async () => {
  await using directory = await temporaryDirectory();
  await leaveEntryOfDead(directory.path);
  const [run, ...others] = await unfinishedRuns(directory.path);
  assert.equal(others, []);
  assert.equal(run?.fileSystems, [DATA]);
  assert.ok(run);
  await Promise.all(run === undefined ? [] : [forget(run)]);
  assert.equal(await unfinishedRuns(directory.path), []);
});

test('another process under the old number does not make a dead run look alive', async () => {
  const own = await processIdentity('self');
  assert.is(await stillRuns(own), true);
  assert.is(await stillRuns({ ...own, startTicks: '1' }), false);
});

test('damaged and half-written entries are passed over', async () => {
  await using directory = await temporaryDirectory();
  await writeFile(join(directory.path, 'a.json'), '{"process":');
  await writeFile(join(directory.path, 'b.json'), '[]');
  await writeFile(join(directory.path, 'c.json.new'), '{}');
  assert.equal(await unfinishedRuns(directory.path), []);
  assert.is(await readFile(join(directory.path, 'b.json'), 'utf8'), '[]');
});

test('without a directory there are none', async () => {
  assert.equal(await unfinishedRuns('/nowhere/at/all'), []);
});

test.run();
