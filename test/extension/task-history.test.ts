import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import {
  beginTask,
  carryOver,
  decideEnable,
  finishTask,
  NOTHING_HANDLED,
  readHandled,
  recordHandled,
} from '../../src/extension/task-history.ts';
import { suite } from '../suite.ts';

const test = suite('what was handled');

test('tells a repeat, the same task under a new number, and a new task apart', () => {
  const last = { sequenceNumber: 7, taskId: 'a_1', isFinished: true };
  assert.is(decideEnable(7, 'a_1', last, false), 'repeat');
  assert.is(decideEnable(7, 'b_1', last, false), 'repeat');
  assert.is(decideEnable(8, 'a_1', last, false), 'same-task');
  assert.is(decideEnable(8, 'b_1', last, false), 'new');
  assert.is(decideEnable(6, 'b_1', last, true), 'new');
  assert.is(decideEnable(0, '', NOTHING_HANDLED, false), 'new');
});

test('takes tasks without an id for different ones', () => {
  assert.is(decideEnable(8, '', { sequenceNumber: 7, taskId: '', isFinished: true }, false), 'new');
});

test('tells a task whose process died from one that still runs, or was reported', async () => {
  await using directory = await temporary();
  await beginTask(directory.path, 12);
  await recordHandled(directory.path, { sequenceNumber: 12, taskId: 'a_1' }, undefined);
  const begun = await readHandled(directory.path, undefined);
  assert.is(decideEnable(12, 'a_1', begun, true), 'repeat');
  assert.is(decideEnable(12, 'a_1', begun, false), 'interrupted');
  assert.is(decideEnable(13, 'b_1', begun, false), 'new');
  assert.is(decideEnable(13, 'a_1', begun, false), 'interrupted');
  assert.is(decideEnable(13, 'a_1', begun, true), 'same-task');
  await finishTask(directory.path, 11);
  assert.is((await readHandled(directory.path, undefined)).isFinished, false);
  await finishTask(directory.path, 12);
  assert.is(decideEnable(12, 'a_1', await readHandled(directory.path, undefined), false), 'repeat');
});

test('a task that was begun but not recorded does not make the one before it unfinished', async () => {
  await using directory = await temporary();
  await beginTask(directory.path, 12);
  await recordHandled(directory.path, { sequenceNumber: 12, taskId: 'a_1' }, undefined);
  await finishTask(directory.path, 12);
  await beginTask(directory.path, 13);
  assert.is((await readHandled(directory.path, undefined)).isFinished, true);
});

test('a task that got further numbers while it ran is unfinished until it is reported under its first', async () => {
  await using directory = await temporary();
  const read = () => readHandled(directory.path, undefined);
  await beginTask(directory.path, 12);
  await recordHandled(directory.path, { sequenceNumber: 12, taskId: 'a_1' }, undefined);
  for (const sequenceNumber of [13, 14]) {
    const record = { sequenceNumber, taskId: 'a_1', begunAs: 12 };
    await recordHandled(directory.path, record, undefined);
    assert.equal(await read(), { ...record, isFinished: false });
  }
  assert.is(decideEnable(14, 'a_1', await read(), false), 'interrupted');
  await finishTask(directory.path, 14);
  assert.is((await read()).isFinished, false);
  await finishTask(directory.path, 12);
  assert.is((await read()).isFinished, true);
});

test('remembers what was recorded, as long as the machine is the same', async () => {
  await using directory = await temporary();
  const handled = { sequenceNumber: 12, taskId: 'a_1', isFinished: true };
  await recordHandled(directory.path, handled, '{AB-1}');
  assert.equal(await readHandled(directory.path, 'ab-1'), handled);
  assert.equal(await readHandled(directory.path, undefined), handled);
  assert.equal(await readHandled(directory.path, 'another'), NOTHING_HANDLED);
});

test('knows of nothing in a new directory, and takes garbage for nothing', async () => {
  await using directory = await temporary();
  assert.equal(await readHandled(directory.path, 'ab-1'), NOTHING_HANDLED);
  await writeFile(join(directory.path, 'mrseq'), '12abc');
  assert.equal(await readHandled(directory.path, 'ab-1'), NOTHING_HANDLED);
});

test('carries over to a new version what the agent does not: task and machine', async () => {
  await using lib = await temporary();
  const [from, to] = [join(lib.path, 'X-1'), join(lib.path, 'X-2')];
  await mkdir(from);
  await mkdir(to);
  await recordHandled(from, { sequenceNumber: 12, taskId: 'a_1' }, 'guid');
  await writeFile(join(to, 'mrseq'), '12');
  await carryOver(from, to);
  assert.equal(await readHandled(to, 'guid'), {
    sequenceNumber: 12,
    taskId: 'a_1',
    isFinished: true,
  });
  assert.equal(await readHandled(to, 'another'), NOTHING_HANDLED);
});

test('takes over what the backup service’s own extension had handled', async () => {
  await using lib = await temporary();
  const [from, to] = [join(lib.path, 'X-1'), join(lib.path, 'X-2')];
  await mkdir(from);
  await mkdir(to);
  const suffix = 'FD76C85E-406F-4CFA-8EB0-CF18B123365C';
  await writeFile(join(from, 'mrseq'), '7');
  await writeFile(join(from, `task_identity_${suffix}`), 'a_1');
  await writeFile(join(from, `machine_identity_${suffix}`), '{ab-1}');
  await carryOver(from, to);
  assert.equal(await readHandled(to, '{AB-1}'), {
    sequenceNumber: 7,
    taskId: 'a_1',
    isFinished: true,
  });
  assert.equal(await readHandled(to, 'restored'), NOTHING_HANDLED);
});

test('leaves a version alone that has handled tasks itself, and takes nothing from a missing one', async () => {
  await using lib = await temporary();
  const to = join(lib.path, 'X-2');
  await mkdir(to);
  await carryOver(join(lib.path, 'X-1'), to);
  assert.equal(await readHandled(to, undefined), NOTHING_HANDLED);
  await recordHandled(to, { sequenceNumber: 20, taskId: 'c_1' }, undefined);
  const from = join(lib.path, 'X-1');
  await mkdir(from);
  await recordHandled(from, { sequenceNumber: 12, taskId: 'a_1' }, undefined);
  await carryOver(from, to);
  assert.equal(await readHandled(to, undefined), {
    sequenceNumber: 20,
    taskId: 'c_1',
    isFinished: true,
  });
});

test('takes a task whose record was interrupted for a new one', async () => {
  await using directory = await temporary();
  await recordHandled(directory.path, { sequenceNumber: 12, taskId: 'a_1' }, undefined);
  await writeFile(
    join(directory.path, 'mrtask'),
    JSON.stringify({ sequenceNumber: 13, taskId: 'b_1' }),
  );
  const last = await readHandled(directory.path, undefined);
  assert.is(decideEnable(13, 'b_1', last, false), 'new');
});

test('does not take a number of the machine it was restored from for its own', async () => {
  await using lib = await temporary();
  const [from, to] = [join(lib.path, 'X-1'), join(lib.path, 'X-2')];
  await mkdir(from);
  await mkdir(to);
  await recordHandled(from, { sequenceNumber: 12, taskId: 'a_1' }, 'former');
  await writeFile(join(to, 'mrseq'), '12');
  await carryOver(from, to);
  assert.equal(await readHandled(to, 'restored'), NOTHING_HANDLED);
  await recordHandled(to, { sequenceNumber: 3, taskId: 'b_1' }, 'restored');
  assert.equal(await readHandled(to, 'restored'), {
    sequenceNumber: 3,
    taskId: 'b_1',
    isFinished: true,
  });
});

async function temporary(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'flashfreeze-handled-'));
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true }),
  };
}

test.run();
