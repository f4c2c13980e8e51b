import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { createProgram } from '../../src/commands/program.ts';
import { retentionOptions, snapshotOptions } from '../../src/commands/snapshot-by-file.ts';
import { snapshotConfExample } from '../../src/commands/snapshot-conf-example.ts';
import { SNAPSHOT_CONF_PATH } from '../../src/config/snapshot-conf.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { RUN_FOLDER, readRunFile, runFilesIn } from '../../src/report/run-folder.ts';
import { runSummarySchema } from '../../src/report/schemas/run-summary.ts';
import { snapshotListSchema } from '../../src/report/schemas/stored-snapshots.ts';
import { suite } from '../suite.ts';
import { type Ended, flashfreeze } from './command-line.ts';
import { Rig } from './rig.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('snapshot --conf');
const FOLDER = '/etc/flashfreeze';
const BLOBS = `${FOLDER}/blobs.txt`;
const CONTAINER = `${FOLDER}/container.txt`;

async function put(text: string, mode = 0o600): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  await writeFile(SNAPSHOT_CONF_PATH, text);
  await chmod(SNAPSHOT_CONF_PATH, mode);
}

async function run(...args: readonly string[]): Promise<Ended> {
  return await flashfreeze(['snapshot', '--conf', SNAPSHOT_CONF_PATH, ...args]);
}

/** Blobs whose SAS may write manifests, and a container that may be pruned. */
async function putUrls(rig: Rig): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  const [, sas] = rig.server.containerUrl({ permissions: 'rlcw' }).split('?');
  const urls = rig.server.urls.map((url) => `${url.split('?')[0]}?${sas}`);
  await writeFile(BLOBS, `${urls.join('\n')}\n`);
  await writeFile(CONTAINER, `${rig.server.containerUrl()}\n`);
}

/** The number of complete restore points. */
async function complete(): Promise<number> {
  const ended = await flashfreeze(['snapshots', 'list', '--container-from', CONTAINER, '--json']);
  assert.is(ended.exitCode, 0, ended.stderr);
  const { restorePoints } = v.parse(snapshotListSchema, JSON.parse(ended.stdout));
  return (restorePoints ?? []).filter(({ worth }) => worth === 'complete').length;
}

test('a run takes its options from the file, the command line wins, and a good run prunes its own policy', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }, { type: 'xfs' }]);
  await putUrls(rig);
  const common = `[Snapshot]\nblobs-from = ${BLOBS}\nquiet = True\n`;
  await put(`${common}metadata = Policy=weekly\n`);
  assert.is((await run()).exitCode, 0);
  await put(
    `${common}metadata = Policy=daily\n[Retention]\ncontainer-from = ${CONTAINER}\nkeep-last = 1\n`,
  );
  for (const _ of [1, 2]) {
    const ended = await run('--json');
    assert.is(ended.exitCode, 0, ended.stderr);
    const summary = v.parse(runSummarySchema, JSON.parse(ended.stdout));
    assert.is(summary.consistency, 'fileSystemConsistent');
  }
  // The weekly one is of another policy.
  assert.is(await complete(), 2);
  const other = await run('--metadata', 'Policy=hourly', '--timeout', '7200');
  assert.is(other.exitCode, 2);
  assert.match(other.stderr, /--timeout 7200: expected seconds[^(]*\(FF_USAGE\)/);
  assert.is((await run('--metadata', 'Policy=hourly')).exitCode, 0);
  assert.is(await complete(), 3);
});

test('a good run whose pruning fails ends with 1 and says so; a bad run prunes nothing', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  await putUrls(rig);
  await put(`[Snapshot]\nblobs-from = ${BLOBS}\nquiet = True\n`);
  assert.is((await run()).exitCode, 0);
  await put(
    `[Snapshot]\nblobs-from = ${BLOBS}\n[Retention]\ncontainer-from = ${CONTAINER}\nkeep-last = 1\n`,
  );
  await rig.server.setFault({
    ...{ blob: 'disk0', at: 'request' },
    fault: { kind: 'status', status: 409, code: 'SnapshotCountExceeded' },
  });
  assert.is((await run()).exitCode, 1);
  await rig.server.clearFaults();
  assert.is(await complete(), 1);
  await writeFile(CONTAINER, `${rig.server.containerUrl({ permissions: 'rl' })}\n`);
  const failed = await run();
  assert.is(failed.exitCode, 1);
  assert.match(failed.stderr, /its SAS may not delete.*FF_CONTAINER_REFUSED/);
  assert.match(failed.stderr, /The snapshots were taken; nothing was pruned/);
  assert.is(await complete(), 2);
});

const REFUSED: readonly [name: string, text: string, mode: number, expected: RegExp][] = [
  ['an unknown key', '[Snapshot]\ntimeuot = 5\n', 0o600, /no key timeuot.*did you mean timeout\?/],
  ['a key of vmbackup.conf', '[Retention]\nkeepDaily = 7\n', 0o600, /did you mean keep-daily\?/],
  ['a time', '[Snapshot]\nat = 2026-11-22T02:00:00Z\n', 0o600, /no key at in \[Snapshot\]/],
  ['no word', '[Snapshot]\nmanaged = maybe\n', 0o600, /managed = maybe.*True or False/],
  ['a choice', '[Snapshot]\nfire = late\n', 0o600, /fire = late.*early, barrier/],
  ['a relative path', '[Snapshot]\nblobs-from = b.txt\n', 0o600, /absolute path of a file/],
  [
    'a value of an option',
    `[Snapshot]\ntimeout = 0\nblobs-from = ${BLOBS}\n`,
    0o600,
    /--timeout 0: expected seconds.*\(timeout in \/etc\/flashfreeze\/snapshot\.conf\)/,
  ],
  [
    'a command',
    `[Snapshot]\nnotify = mail hush1234\nblobs-from = ${BLOBS}\n`,
    0o600,
    /--notify: expected the absolute path.*\(notify in /,
  ],
  [
    'contrary options',
    `[Snapshot]\nmanaged = 1\nblobs-from = ${BLOBS}\n`,
    0o600,
    /--blobs-from: expected without --managed.*\(blobs-from, managed in /,
  ],
  [
    'no container',
    `[Snapshot]\nblobs-from = ${BLOBS}\n[Retention]\nkeep-last = 1\n`,
    0o600,
    /\[Retention\] has no container-from/,
  ],
  [
    'no rule',
    `[Snapshot]\nblobs-from = ${BLOBS}\n[Retention]\ncontainer-from = ${CONTAINER}\n`,
    0o600,
    /prune: expected a rule/,
  ],
  [
    'a file that others may write',
    '[Snapshot]\nquiet = 1\n',
    0o622,
    /has mode 0622; run chmod 0600/,
  ],
  [
    'a secret that others may read',
    '[Snapshot]\nblob = https://a/b?sig=x\n',
    0o644,
    /has blob, which may hold a secret.*chmod 0600/,
  ],
];

for (const [name, text, mode, expected] of REFUSED) {
  test(`refused before anything is frozen: ${name}`, async () => {
    await put(text, mode);
    await writeFile(BLOBS, 'https://127.0.0.1:1/a/b?sig=x\n');
    await writeFile(CONTAINER, 'https://127.0.0.1:1/a?sp=rld&sig=x\n');
    const ended = await run('--json');
    assert.is(ended.exitCode, 2, ended.stderr);
    assert.match(ended.stderr, expected);
    assert.not.match(`${ended.stderr}${ended.stdout}`, 'hush1234');
    const { code } = JSON.parse(ended.stdout) as { code: string };
    assert.match(code, /^FF_(CONFIG_INVALID|USAGE)$/);
    const kept = await readRunFile((await runFilesIn())[0] ?? '');
    assert.equal([kept.error?.code, kept.origin], [code, 'snapshot']);
    await rm(RUN_FOLDER, { recursive: true });
  });
}

test('a file that does not exist is refused by name', async () => {
  const ended = await flashfreeze(['snapshot', '--conf', '/etc/flashfreeze/none.conf']);
  assert.is(ended.exitCode, 2);
  assert.match(ended.stderr, /none\.conf does not exist.*FF_CONFIG_INVALID/);
});

test('the example has every key, and is right as it is and with its examples in use', async () => {
  const snapshot = createProgram().commands.find((it) => it.name() === 'snapshot');
  assert.ok(snapshot);
  const example = snapshotConfExample(snapshot);
  const known = [...snapshotOptions(snapshot), ...retentionOptions()].map((it) => it.name());
  const named = [...example.matchAll(/^# ([\w-]+) = /gm)].map(([, name]) => name);
  assert.equal(
    known.filter((name) => !named.includes(name)),
    ['tag'],
  );
  assert.match(example, /tag = policy=daily/);
  assert.equal(
    named.filter((name = '') => !known.includes(name)),
    [],
  );
  await put(example);
  const asItIs = await run();
  assert.match(asItIs.stderr, /nothing to snapshot/);
  await using rig = await Rig.create([{ type: 'ext4' }]);
  await putUrls(rig);
  const inUse = example
    .replaceAll(/^# (\[Retention\]|[\w-]+ = [^<\n]*)$/gm, '$1')
    .replace('managed = True', '')
    .replaceAll(
      /^(no-freeze|no-timeline|quiet|verbose|incomplete|accept-.*|allow-.*) = True$/gm,
      '',
    );
  await put(inUse);
  const used = await run();
  assert.is(used.exitCode, 0, used.stderr);
  assert.is(await complete(), 1);
});

test.run();
