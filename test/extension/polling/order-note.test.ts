import { mkdir, mkdtempDisposable, readdir, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import {
  carryOverOrderNote,
  type OrderNote,
  readOrderNote,
  removeOrderNote,
  writeOrderNote,
} from '../../../src/extension/polling/order-note.ts';
import { suite } from '../../suite.ts';

const test = suite('note of an order');
const NOTES: readonly OrderNote[] = [
  { kind: 'begun' },
  { kind: 'concluded', fault: undefined },
  { kind: 'concluded', fault: { code: '121', message: 'it did not freeze' } },
];

test('is read back for its own order, and for no other', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'order-note-'));
  const { path } = directory;
  assert.is(await readOrderNote(path, 'snap-1'), undefined);
  for (const note of NOTES) {
    await writeOrderNote(path, 'snap-1', note);
    assert.equal(await readOrderNote(path, 'snap-1'), note);
    assert.is(await readOrderNote(path, 'snap-2'), undefined);
  }
  assert.equal(await readdir(path), ['order.json']);
  assert.is((await stat(join(path, 'order.json'))).mode & 0o777, 0o600);
  await removeOrderNote(path);
  await removeOrderNote(path);
  assert.equal(await readdir(path), []);
});

test('one that makes no sense is none, and one that says little is of an order that was begun', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'order-note-'));
  const { path } = directory;
  for (const text of ['', 'null', '[]', '{"snapshotId": 7}', '{"snapshotId"']) {
    await writeFile(join(path, 'order.json'), text);
    assert.is(await readOrderNote(path, 'snap-1'), undefined);
  }
  await writeFile(join(path, 'order.json'), '{"snapshotId": "snap-1"}');
  assert.equal(await readOrderNote(path, 'snap-1'), { kind: 'begun' });
});

test('an upgrade takes it over as it is, where the new version has none of its own', async () => {
  await using lib = await mkdtempDisposable(join(tmpdir(), 'order-note-'));
  const [from, to] = ['Lab.Polling-1.0.0.1', 'Lab.Polling-1.0.0.2'].map((it) => join(lib.path, it));
  assert.ok(from !== undefined && to !== undefined);
  await Promise.all([from, to].map((path) => mkdir(path)));
  await carryOverOrderNote(from, to);
  assert.equal(await readdir(to), []);
  for (const note of NOTES) {
    await writeOrderNote(from, 'snap-1', note);
    await carryOverOrderNote(from, to);
    assert.equal(await readOrderNote(to, 'snap-1'), note);
    assert.is((await stat(join(to, 'order.json'))).mode & 0o777, 0o600);
    await removeOrderNote(to);
  }
  await writeOrderNote(to, 'snap-2', { kind: 'begun' });
  await carryOverOrderNote(from, to);
  assert.is(await readOrderNote(to, 'snap-1'), undefined);
  assert.equal(await readOrderNote(to, 'snap-2'), { kind: 'begun' });
});

test.run();
