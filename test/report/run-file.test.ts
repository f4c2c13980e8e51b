import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import * as assert from 'uvu/assert';
import { keptRecords } from '../../src/commands/snapshots-source.ts';
import { FlashfreezeError } from '../../src/errors.ts';
import { Redaction } from '../../src/log/redaction.ts';
import { parseRunFile } from '../../src/report/parse-run-file.ts';
import {
  KEPT_REFUSED_RUNS,
  KEPT_RUNS,
  keepRun,
  latestRun,
  readRunFile,
  runFilesIn,
  runFolderProblem,
} from '../../src/report/run-folder.ts';
import { goodRecord } from '../backup/fixtures/records.ts';
import { suite } from '../suite.ts';
import { busyRecord, runOf } from './fixtures/runs.ts';

const test = suite('run file');
const IDENTITY = { origin: 'snapshot', taskId: 'task-1' } as const;

async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'flashfreeze-runs-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

test('a file that an older version left has no clock, and is read nevertheless', () => {
  const run = runOf(busyRecord(1));
  const { clock, ...summary } = run.summary ?? {};
  assert.is(clock, null);
  const text = JSON.stringify({ ...run, summary });
  assert.equal(parseRunFile(text, 'old.json'), run);
});

test('times are milliseconds since the first phase, and time 0 is known in wall-clock time', () => {
  const { timeline } = runOf(busyRecord(2));
  assert.is(timeline?.startedAt, '2026-11-22T02:41:51.620Z');
  assert.is(timeline?.barrierMs, 1009);
  assert.equal(timeline?.fileSystems[1], {
    mountPoint: '/data/1',
    type: 'ext4',
    disks: ['sdb'],
    settle: [500, 601],
    freezes: [{ startMs: 1000, frozenMs: 1003, failedMs: null, thaw: [1031, 1032], error: null }],
  });
  assert.equal(timeline?.disks[1], {
    device: '/dev/sdb',
    blob: 'https://account.blob.example/vhds/disk1.vhd',
    request: [1010, 1029],
    attempts: 1,
    consistent: true,
    error: null,
  });
});

test('names the machine; a file of an older version, which does not, is read', () => {
  const run = runOf(busyRecord(1));
  assert.is(parseRunFile(JSON.stringify(run), 'run').machine.host, 'db1');
  const { host: _, ...machine } = run.machine;
  assert.is(parseRunFile(JSON.stringify({ ...run, machine }), 'run').machine.host, null);
});

test('a request that failed has its end, and so does a freeze', () => {
  const { timeline, summary } = runOf(busyRecord(8));
  assert.equal(timeline?.disks[3]?.request, [1010, 1049]);
  assert.is(summary?.disks[3]?.latencyMs, 39);
  const [times] = goodRecord(1).fileSystems;
  assert.ok(times);
  const refused = {
    ...times,
    frozenNs: undefined,
    freezeErrno: 'EIO',
    freezeFailedNs: 11_000_000n,
  };
  const run = runOf({ ...goodRecord(1), fileSystems: [refused] });
  assert.is(run.timeline?.fileSystems[0]?.freezes[0]?.failedMs, 1);
});

test('a file of a version that kept no end of a refused freeze can be read', () => {
  const run = JSON.stringify(runOf(goodRecord(1))).replace('"failedMs":null,', '');
  assert.is(parseRunFile(run, 'run.json').timeline?.fileSystems[0]?.freezes[0]?.failedMs, null);
});

test('keeps the freezes of a broken attempt before those of the last one', () => {
  const record = goodRecord(1);
  const broken = { ...record.fileSystems[0], freezeErrno: 'EBUSY', frozenNs: undefined };
  const run = runOf({
    ...record,
    earlierAttempts: [{ fileSystems: [broken as (typeof record.fileSystems)[number]], stuck: [0] }],
  });
  assert.equal(
    run.timeline?.fileSystems[0]?.freezes.map(({ error }) => error),
    ['FIFREEZE: EBUSY', null],
  );
});

test('survives being written and read', () => {
  const run = runOf(busyRecord(8));
  assert.equal(parseRunFile(JSON.stringify(run), 'run.json'), run);
});

for (const [name, text, reason] of [
  ['no JSON', '{', 'not JSON'],
  ['another format', '{"format":"flashfreeze"}', 'format'],
  ['a format that is no version', '{"format":"flashfreeze-run/2\\n"}', 'format'],
  ['a missing part', '{"format":"flashfreeze-run/1"}', 'origin'],
  [
    'an unknown code',
    JSON.stringify(runOf(goodRecord(1))).replace('"code":1', '"code":99'),
    'code',
  ],
] as const) {
  test(`refuses ${name} and names the file`, () => {
    assert.throws(
      () => parseRunFile(text, '/there/run.json'),
      (error: unknown) =>
        error instanceof FlashfreezeError &&
        error.code === 'FF_RUN_FILE_INVALID' &&
        error.message.includes('/there/run.json') &&
        error.message.includes(reason),
    );
  });
}

test('says of a file of another version that it is one', () => {
  assert.throws(
    () => parseRunFile('{"format":"flashfreeze-run/2","more":{}}', '/there/run.json'),
    (error: unknown) =>
      error instanceof FlashfreezeError &&
      error.code === 'FF_RUN_FILE_VERSION' &&
      /^\/there\/run\.json .*flashfreeze-run\/2; this version reads flashfreeze-run\/1/.test(
        error.message,
      ),
  );
});

test('is for root alone, and holds no secret', async () => {
  await using folder = await temporaryFolder();
  const redaction = new Redaction();
  redaction.add('a warning');
  const kept = await keepRun(
    { kind: 'ran', record: busyRecord(1) },
    IDENTITY,
    redaction,
    folder.path,
  );
  assert.ok(kept.ok);
  const path = kept.ok ? kept.path : '';
  assert.is((await stat(path)).mode & 0o777, 0o600);
  assert.not.match(await readFile(path, 'utf8'), 'a warning');
  assert.is((await readRunFile(path)).taskId, 'task-1');
});

test('a password that is also a part of its keys, times, URLs and numbers leaves it whole', async () => {
  await using folder = await temporaryFolder();
  const record = { ...busyRecord(4), warnings: ['no logon with disk, vhds, 2026 or 1009'] };
  const redaction = new Redaction();
  for (const password of ['disk', 'vhds', '2026', '1009', '"null"', 'true']) {
    redaction.add(password);
  }
  const kept = await keepRun({ kind: 'ran', record }, IDENTITY, redaction, folder.path);
  const run = await readRunFile(kept.ok ? kept.path : '');
  assert.equal(run, JSON.parse(JSON.stringify(kept.run)));
  const { disks, barrier, warnings } = run.summary ?? {};
  assert.is(disks?.[0]?.blob, 'https://account.blob.example/vhds/disk0.vhd');
  assert.is(disks?.[0]?.snapshot, '2026-11-22T02:41:52.6390000Z');
  assert.is(barrier, '2026-11-22T02:41:52.630Z');
  assert.is(run.timeline?.barrierMs, 1009);
  assert.equal(warnings, ['no logon with REDACTED, REDACTED, REDACTED or REDACTED']);
});

test('only the last ones are kept; what is not a run stays', async () => {
  await using folder = await temporaryFolder();
  const old = Array.from(
    { length: KEPT_RUNS + 3 },
    (_, index) => `20260101T0000000${String(index).padStart(2, '0')}Z-snapshot-1.json`,
  );
  await Promise.all([...old, 'notes.txt'].map((name) => writeFile(join(folder.path, name), '{}')));
  await keepRun({ kind: 'ran', record: goodRecord(1) }, IDENTITY, new Redaction(), folder.path);
  const left = await runFilesIn(folder.path);
  assert.is(left.length, KEPT_RUNS);
  assert.not.match(left[0] ?? '', '20260101');
  assert.match(left.at(-1) ?? '', '20260101T000000004Z');
  assert.ok((await readdir(folder.path)).includes('notes.txt'));
});

test('a run from the future is not the latest, and is the first that is removed', async () => {
  await using folder = await temporaryFolder();
  const year = new Date().getUTCFullYear() + 1;
  const future = `${year}0601T000000000Z-snapshot-1.json`;
  const past = (index: number): string =>
    `20260101T0000000${String(index).padStart(2, '0')}Z-snapshot-1.json`;
  await Promise.all(
    [past(1), future, past(2)].map((name) => writeFile(join(folder.path, name), '{}')),
  );
  const names = async (): Promise<string[]> =>
    (await runFilesIn(folder.path)).map((path) => basename(path));
  assert.equal(await names(), [past(2), past(1), future]);
  assert.is(basename(await latestRun(folder.path)), past(2));
  for (let index = 3; index <= KEPT_RUNS; index += 1) {
    await writeFile(join(folder.path, past(index)), '{}');
  }
  await keepRun({ kind: 'ran', record: goodRecord(1) }, IDENTITY, new Redaction(), folder.path);
  const left = await names();
  assert.is(left.length, KEPT_RUNS);
  assert.not.ok(left.includes(future));
});

test('refused runs evict no other run, and are kept in a small number', async () => {
  await using folder = await temporaryFolder();
  const keep = (ending: Parameters<typeof keepRun>[0]) =>
    keepRun(ending, IDENTITY, new Redaction(), folder.path);
  const before = Array.from(
    { length: KEPT_RUNS },
    (_, index) => `20260101T0000000${String(index).padStart(2, '0')}Z-snapshot-1.json`,
  );
  const refusedBefore = Array.from(
    { length: KEPT_REFUSED_RUNS + 5 },
    (_, index) => `20260102T0000000${String(index).padStart(2, '0')}Z-snapshot-1-refused.json`,
  );
  const all = [...before, ...refusedBefore];
  await Promise.all(all.map((name) => writeFile(join(folder.path, name), '{}')));
  const kept = await keep({ kind: 'refused', error: { code: 'FF_X', message: 'x' } });
  assert.match(kept.ok ? kept.path : '', /-\d+-refused\.json$/);
  const left = (await runFilesIn(folder.path)).map((path) => basename(path));
  assert.equal(left.filter((it) => before.includes(it)).length, KEPT_RUNS);
  assert.is(left.filter((it) => it.includes('refused')).length, KEPT_REFUSED_RUNS);
  assert.is(join(folder.path, left[0] ?? ''), await latestRun(folder.path));
  assert.match(await latestRun(folder.path, 'snapshot'), before.at(-1) ?? '');
});

/** Ways in which another user than root can have made, or can change, the folder `runs` in a folder. */
const UNSAFE: readonly (readonly [why: string, make: (folder: string) => Promise<unknown>])[] = [
  ['a link', (folder) => symlink('elsewhere', join(folder, 'runs'))],
  ['of another user', (folder) => ownedBy(join(folder, 'runs'), 65_534, 0)],
  ['writable by all', (folder) => withMode(join(folder, 'runs'), 0o777)],
  ['writable by a group', (folder) => withMode(join(folder, 'runs'), 0o770, 65_534)],
];

async function ownedBy(path: string, uid: number, gid: number): Promise<void> {
  await mkdir(path);
  await chown(path, uid, gid);
}

async function withMode(path: string, mode: number, gid = 0): Promise<void> {
  await ownedBy(path, 0, gid);
  await chmod(path, mode);
}

test('in a folder that another user can have made, no run is kept, none is removed, and none is believed', async () => {
  const good = await realRun();
  for (const [why, make] of UNSAFE) {
    await using folder = await temporaryFolder();
    await mkdir(join(folder.path, 'elsewhere'));
    await make(folder.path);
    const runs = join(folder.path, 'runs');
    const planted = Array.from(
      { length: KEPT_RUNS + 1 },
      (_, index) => `20260101T0000000${String(index).padStart(2, '0')}Z-snapshot-1.json`,
    );
    await Promise.all(planted.map((name) => writeFile(join(runs, name), good)));
    const ending = { kind: 'refused', error: { code: 'FF_X', message: 'x' } } as const;
    const kept = await keepRun(ending, IDENTITY, new Redaction(), runs);
    assert.not.ok(kept.ok, why);
    const reason = why === 'a link' ? 'is a symbolic link' : 'can be changed by other users';
    assert.match(kept.ok ? '' : kept.message, `${runs} ${reason}`);
    assert.match(runFolderProblem(runs) ?? '', reason);
    assert.is((await readdir(runs)).length, KEPT_RUNS + 1, why);
    assert.equal(await keptRecords([runs]), [], why);
  }
});

/** The text of the file of a run that a folder may hold. */
async function realRun(): Promise<string> {
  await using folder = await temporaryFolder();
  const ending = { kind: 'ran', record: busyRecord(1) } as const;
  const kept = await keepRun(ending, IDENTITY, new Redaction(), folder.path);
  return await readFile(kept.ok ? kept.path : '', 'utf8');
}

test('what only root can have kept is believed; a group may read it', async () => {
  await using folder = await temporaryFolder();
  const runs = join(folder.path, 'new', 'runs');
  assert.equal(await keptRecords([runs]), []);
  assert.is(runFolderProblem(runs), undefined);
  assert.equal(await readdir(folder.path), [], 'reading makes no folder');
  const ending = { kind: 'ran', record: busyRecord(1) } as const;
  assert.ok((await keepRun(ending, IDENTITY, new Redaction(), runs)).ok);
  await chown(runs, 0, 65_534);
  await chmod(runs, 0o750);
  await writeFile(join(runs, '20260101T000000000Z-snapshot-1.json'), 'no run');
  assert.equal(
    (await keptRecords([runs])).map(({ id }) => id),
    ['task-1'],
  );
  assert.ok((await keepRun(ending, IDENTITY, new Redaction(), runs)).ok);
  assert.is((await runFilesIn(runs)).length, 3);
});

test('a folder that cannot be written is no reason to fail', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'file');
  await writeFile(file, '');
  await chmod(file, 0o600);
  const kept = await keepRun(
    { kind: 'refused', error: { code: 'FF_X', message: 'x' } },
    IDENTITY,
    new Redaction(),
    join(file, 'runs'),
  );
  assert.not.ok(kept.ok);
  assert.match(kept.ok ? '' : kept.message, 'ENOTDIR');
});

test.run();
