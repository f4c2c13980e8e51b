import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import {
  forget,
  Journal,
  type JournalEntry,
  type LedgerKeeper,
  unfinishedRuns,
} from '../../../src/backup/journal/journal.ts';
import { FlashfreezeError } from '../../../src/errors.ts';
import {
  isOfEarlierBoot,
  processIdentity,
  stillRuns,
  threadRuns,
} from '../../../src/system/process-identity.ts';
import { suite } from '../../suite.ts';

const test = suite('journal');
const DATA = { mountPoint: '/data', device: '8:16' };

async function temporaryDirectory(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'journal-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

/** A ledger that can be kept: it creates the file at the given path. */
const KEEPER: LedgerKeeper = {
  keepLedger: (path) => {
    writeFileSync(path, 'ledger');
    return undefined;
  },
};
const IN_MEMORY: LedgerKeeper = { keepLedger: () => '/run is not on a tmpfs' };

/** An entry like that of a process that has died. */
async function leaveEntryOfDead(
  directory: string,
  more: Partial<JournalEntry> = {},
): Promise<void> {
  const child = spawn('true', { stdio: 'ignore' });
  await once(child, 'exit');
  const process = { pid: child.pid, startTicks: '1' };
  const entry = { process, begun: '2026-11-22T00:00:00.000Z', fileSystems: [DATA], ...more };
  await writeFile(join(directory, 'dead.json'), JSON.stringify(entry));
}

async function onlyEntry(directory: string): Promise<JournalEntry> {
  const [name = ''] = (await readdir(directory)).filter((it) => it.endsWith('.json'));
  return JSON.parse(await readFile(join(directory, name), 'utf8')) as JournalEntry;
}

test('a run that ended leaves no entry', async () => {
  await using directory = await temporaryDirectory();
  {
    await using _journal = await Journal.begin([DATA], KEEPER, directory.path);
    const { ledger = '' } = await onlyEntry(directory.path);
    assert.is(await readFile(join(directory.path, ledger), 'utf8'), 'ledger');
    assert.is((await readdir(directory.path)).length, 2);
  }
  assert.equal(await readdir(directory.path), []);
});

test('a run that is still alive is not unfinished', async () => {
  await using directory = await temporaryDirectory();
  await using _journal = await Journal.begin([DATA], KEEPER, directory.path);
  assert.equal(await unfinishedRuns(directory.path), []);
});

test('a run whose process died is returned with the file systems that it may have frozen, until it is forgotten', async () => {
  await using directory = await temporaryDirectory();
  await leaveEntryOfDead(directory.path);
  const [run, ...others] = await unfinishedRuns(directory.path);
  assert.equal(others, []);
  assert.equal(run?.fileSystems, [DATA]);
  assert.ok(run);
  await Promise.all(run === undefined ? [] : [forget(run)]);
  assert.equal(await unfinishedRuns(directory.path), []);
});

test('a ledger that cannot be kept is noted with the reason, and leaves no entry either', async () => {
  await using directory = await temporaryDirectory();
  {
    await using _journal = await Journal.begin([DATA], IN_MEMORY, directory.path);
    const { ledger, ledgerInMemoryBecause } = await onlyEntry(directory.path);
    assert.is(ledger, undefined);
    assert.is(ledgerInMemoryBecause, '/run is not on a tmpfs');
  }
  assert.equal(await readdir(directory.path), []);
});

test('a note that cannot be written is an error with the reason; nothing may be frozen then', async () => {
  await using directory = await temporaryDirectory();
  const file = join(directory.path, 'file');
  await writeFile(file, '');
  try {
    await using _journal = await Journal.begin([DATA], KEEPER, join(file, 'below'));
    assert.unreachable();
  } catch (error) {
    assert.instance(error, FlashfreezeError);
    const { code, message, systemCall } = error as FlashfreezeError;
    assert.is(code, 'FF_FREEZE_FAILED');
    assert.is(systemCall?.errno, 'ENOTDIR');
    assert.match(message, `cannot write the journal in "${file}/below"`);
  }
});

test('forgetting a run forgets its ledger', async () => {
  await using directory = await temporaryDirectory();
  await writeFile(join(directory.path, 'dead.ledger'), '');
  await leaveEntryOfDead(directory.path, { ledger: 'dead.ledger' });
  for (const run of await unfinishedRuns(directory.path)) {
    await forget(run);
  }
  assert.equal(await readdir(directory.path), []);
});

test('a ledger is opened in the journal’s directory only', async () => {
  await using directory = await temporaryDirectory();
  await leaveEntryOfDead(directory.path, { ledger: '../../etc/passwd' });
  const [run] = await unfinishedRuns(directory.path);
  assert.is(run?.ledgerPath, join(directory.path, 'passwd'));
});

test('an entry of an earlier boot is void', async () => {
  await using directory = await temporaryDirectory();
  await writeFile(join(directory.path, 'dead.ledger'), '');
  await leaveEntryOfDead(directory.path, { bootId: 'another', ledger: 'dead.ledger' });
  assert.equal(await unfinishedRuns(directory.path), []);
  assert.equal(await readdir(directory.path), []);
  await leaveEntryOfDead(directory.path, {
    bootId: (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim(),
  });
  assert.is((await unfinishedRuns(directory.path)).length, 1);
});

test('an unknown boot does not count as an earlier one', () => {
  const cases = [
    ['one', 'another', true],
    ['one', 'one', false],
    ['one', undefined, false],
    [undefined, 'another', false],
    ['', 'another', false],
    ['one', '', false],
    [undefined, undefined, false],
  ] as const;
  for (const [noted, current, expected] of cases) {
    assert.is(isOfEarlierBoot(noted, current), expected, `${noted}, ${current}`);
  }
});

test('a directory that others may write, or a link to a directory, is neither used nor trusted', async () => {
  await using directory = await temporaryDirectory();
  await using elsewhere = await temporaryDirectory();
  await leaveEntryOfDead(directory.path);
  const link = join(elsewhere.path, 'link');
  await symlink(directory.path, link);
  await chmod(directory.path, 0o777);
  for (const path of [directory.path, link]) {
    assert.equal(await unfinishedRuns(path), []);
    try {
      await Journal.begin([DATA], KEEPER, path);
      assert.unreachable(path);
    } catch (error) {
      assert.instance(error, FlashfreezeError);
      assert.match((error as FlashfreezeError).message, path);
    }
  }
  assert.is((await readdir(directory.path)).length, 1);
});

test('another process with the old pid does not make a dead run look alive', async () => {
  const own = await processIdentity('self');
  assert.is(await stillRuns(own), true);
  assert.is(await stillRuns({ ...own, startTicks: '1' }), false);
  assert.is(await threadRuns(own, own.pid), true);
  assert.is(await threadRuns({ ...own, startTicks: '1' }, own.pid), false);
  assert.is(await threadRuns(own, 1), own.pid === 1);
});

test('damaged and half-written entries are skipped', async () => {
  await using directory = await temporaryDirectory();
  await writeFile(join(directory.path, 'a.json'), '{"process":');
  await writeFile(join(directory.path, 'b.json'), '[]');
  await writeFile(join(directory.path, 'c.json.new'), '{}');
  assert.equal(await unfinishedRuns(directory.path), []);
  assert.is(await readFile(join(directory.path, 'b.json'), 'utf8'), '[]');
});

test('an entry that lacks something hides no other one', async () => {
  await using directory = await temporaryDirectory();
  await leaveEntryOfDead(directory.path);
  for (const [name, text] of Object.entries({
    a: '{"fileSystems":[]}',
    b: '{"fileSystems":[],"process":null}',
    c: '{"fileSystems":[],"process":{"pid":1}}',
    d: '{"fileSystems":[null],"process":{"pid":1,"startTicks":"1"}}',
    e: '{"fileSystems":[],"process":{"pid":1,"startTicks":"1"},"ledger":7}',
    f: 'null',
  })) {
    await writeFile(join(directory.path, `${name}.json`), text);
  }
  const runs = await unfinishedRuns(directory.path);
  assert.equal(
    runs.map(({ path }) => path),
    [join(directory.path, 'dead.json')],
  );
});

test('without a directory there are no unfinished runs', async () => {
  assert.equal(await unfinishedRuns('/nowhere/at/all'), []);
});

test.run();
