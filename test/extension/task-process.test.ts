import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { hasWorkers, noteWorker } from '../../src/extension/task-process.ts';
import { suite } from '../suite.ts';

const test = suite('worker');

test('a worker is known as long as it runs, and not taken for a process of an earlier boot', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'flashfreeze-worker-'));
  try {
    assert.is(await hasWorkers(directory), false);
    await noteWorker(directory, process.pid);
    assert.is(await hasWorkers(directory), true);
    const path = join(directory, 'workers', `${process.pid}.json`);
    const note = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
    for (const change of [{ bootId: 'an earlier one' }, { startTicks: '1' }, { pid: -1 }]) {
      await writeFile(path, JSON.stringify({ ...note, ...change }));
      assert.is(await hasWorkers(directory), false, JSON.stringify(change));
    }
  } finally {
    await rm(directory, { recursive: true });
  }
});

test.run();
