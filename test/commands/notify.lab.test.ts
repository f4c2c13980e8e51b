import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as assert from 'uvu/assert';
import { VM_BACKUP_CONFIGURATION_PATH } from '../../src/config/vmbackup.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { parseRunFile } from '../../src/report/parse-run-file.ts';
import type { RunFile } from '../../src/report/run-file.ts';
import { suite } from '../suite.ts';
import { flashfreeze } from './command-line.ts';
import { Rig } from './rig.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('flashfreeze --notify');
const HOOK = '/lab/hook';
const GOT = '/lab/got';

await writeFile(HOOK, `#!/bin/sh\ncat >${GOT}; echo "$1" >>${GOT}.words; exit "\${2-0}"\n`);
await chmod(HOOK, 0o755);

async function heard(): Promise<{ run: RunFile; text: string }> {
  const text = await readFile(GOT, 'utf8');
  await rm(GOT);
  return { run: parseRunFile(text, GOT), text };
}

test('hears of a success, of a failure and of a refusal, without a secret, after the file is written', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }, { type: 'xfs' }]);
  const snapshot = ['snapshot', ...rig.blobArguments, '--notify', HOOK];
  const good = await flashfreeze(snapshot);
  assert.is(good.exitCode, 0, good.stderr);
  const success = await heard();
  assert.is(success.run.summary?.restorable, true);
  assert.not.match(success.text, 'sig=');
  const path = /flashfreeze report (\S+)/.exec(good.stderr)?.[1] ?? '';
  assert.is(await readFile(path, 'utf8'), success.text);

  const fault = { kind: 'status', status: 403, code: 'AuthorizationPermissionMismatch' } as const;
  await rig.server.setFault({ blob: 'disk1', at: 'request', fault });
  assert.is((await flashfreeze(snapshot)).exitCode, 1);
  assert.is((await heard()).run.summary?.restorable, false);

  const missing = rig.server.containerUrl().replace('?', '/nowhere?');
  assert.is((await flashfreeze(['snapshot', '--blob', missing, '--notify', HOOK])).exitCode, 2);
  const refused = await heard();
  assert.is(refused.run.error?.code, 'FF_BLOB_NOT_FOUND');
  assert.not.match(refused.text, 'sig=');
});

test('hears of a run whose file of blobs, options or configuration were refused', async () => {
  for (const [options, code] of [
    [['--blobs-from', '/nowhere/blobs.txt'], 'FF_USAGE'],
    [['--blob', 'https://a.b/c?sig=hush'], 'FF_URL_INVALID'],
    [['--quiet', '--verbose'], 'FF_USAGE'],
  ] as const) {
    const ended = await flashfreeze(['snapshot', ...options, '--notify', HOOK]);
    assert.is(ended.exitCode, 2, ended.stderr);
    const { run, text } = await heard();
    assert.is(run.error?.code, code);
    assert.not.match(text, 'hush');
  }
  await withConfiguration('metricFile = /lab/x.prom', async () => {
    await flashfreeze(['snapshot', '--blobs-from', '/lab/none', '--notify', HOOK]);
    assert.is((await heard()).run.error?.code, 'FF_CONFIG_INVALID');
  });
  await flashfreeze(['freeze', '--notify', HOOK, '--', '/nowhere/command']);
  assert.is((await heard()).run.error?.code, 'FF_COMMAND_NOT_FOUND');
});

async function withConfiguration(lines: string, work: () => Promise<void>): Promise<void> {
  await mkdir(dirname(VM_BACKUP_CONFIGURATION_PATH), { recursive: true });
  await writeFile(VM_BACKUP_CONFIGURATION_PATH, `[Flashfreeze]\n${lines}\n`, { mode: 0o644 });
  try {
    await work();
  } finally {
    await rm(VM_BACKUP_CONFIGURATION_PATH);
  }
}

test('its failure is a warning and leaves the exit code; the option wins over the file', async () => {
  await using _rig = await Rig.create([{ type: 'ext4' }]);
  const freeze = (...options: string[]) => flashfreeze(['freeze', ...options, '--', 'true']);
  const failing = await freeze('--notify', `${HOOK} '' 7`);
  assert.is(failing.exitCode, 0, failing.stderr);
  assert.match(failing.stderr, `WARNING the notify command ${HOOK} ended with exit code 7`);
  await withConfiguration(`notify = ${HOOK} "by file"`, async () => {
    await rm(`${GOT}.words`, { force: true });
    assert.is((await freeze()).exitCode, 0);
    assert.is((await freeze('--notify', `${HOOK} "by option"`)).exitCode, 0);
    assert.is(await readFile(`${GOT}.words`, 'utf8'), 'by file\nby option\n');
    assert.is((await heard()).run.origin, 'freeze');
  });
});

test('an argument of the command that may be a password does not get out', async () => {
  await using _rig = await Rig.create([{ type: 'ext4' }]);
  const printing = '/lab/printing';
  await writeFile(printing, '#!/bin/sh\nset -x\n: "$@"\n');
  await chmod(printing, 0o755);
  const { stderr } = await flashfreeze([
    ...['freeze', '--notify', `${printing} mail hush1234`, '--', 'true'],
  ]);
  assert.match(stderr, '+ : mail REDACTED');
  assert.not.match(stderr, 'hush1234');
  const missing = `"/lab/nowhere hush1234"`;
  const ended = await flashfreeze(['freeze', '--notify', missing, '--', 'true']);
  assert.match(ended.stderr, 'was not run: /lab/nowhere … does not exist');
  assert.not.match(ended.stderr, 'hush1234');
});

test('a file that others may write names no command', async () => {
  await using _rig = await Rig.create([{ type: 'ext4' }]);
  await withConfiguration(`notify = ${HOOK}`, async () => {
    await rm(GOT, { force: true });
    await chmod(VM_BACKUP_CONFIGURATION_PATH, 0o666);
    const ended = await flashfreeze(['freeze', '--', 'true']);
    assert.is(ended.exitCode, 0, ended.stderr);
    assert.match(ended.stderr, 'WARNING notify is ignored: /etc/azure/vmbackup.conf has mode 0666');
    assert.is(await readFile(GOT, 'utf8').catch(() => 'nothing'), 'nothing');
  });
});

test('a path that is not absolute is refused at once', async () => {
  const ended = await flashfreeze(['freeze', '--notify', 'hook hush1234', '--', 'true']);
  assert.is(ended.exitCode, 125);
  assert.match(ended.stderr, /--notify: expected the absolute path .*\(FF_USAGE\)/);
  assert.not.match(ended.stderr, 'hush1234');
});

test.run();
