import { existsSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import type { LabDatabase } from '../../../src/lab/databases/database-server.ts';
import { askAll } from '../../../src/lab/databases/engine.ts';
import { LabPostgres, postgresPlaces } from '../../../src/lab/databases/postgres.ts';
import { enterLab } from '../../../src/lab/namespace.ts';
import { runCommand } from '../../../src/lab/run-command.ts';
import { suite } from '../../suite.ts';
import { codesOf, planned, quiesceWorkload } from './quiescing.ts';

await enterLab({ lifetimeSeconds: 600, commands: ['psql', 'pg_lsclusters'] });

const test = suite('PostgreSQL');
/** A file system of its own for the WAL, so that it can lie outside. */
const WAL_DISK = '/lab/wal-disk';
const DATA_DISK = '/lab/data-disk';

mkdirSync(DATA_DISK);
mkdirSync(WAL_DISK);
await runCommand('mount', ['-t', 'tmpfs', 'wal', WAL_DISK]);

let clusters = 0;

async function start(configuration = ''): Promise<LabPostgres> {
  clusters += 1;
  const places = postgresPlaces(`${DATA_DISK}/${clusters}`, `${WAL_DISK}/${clusters}`);
  return await LabPostgres.create(places, configuration);
}

const BOTH = [planned('/lab'), planned(WAL_DISK, ['sdy'])];

async function sessionsOf(database: LabDatabase): Promise<string[]> {
  return await askAll(database, [
    "SELECT pid FROM pg_stat_activity WHERE application_name = 'flashfreeze';",
  ]);
}

test('a checkpoint is made, one session stays until the end, nothing is held', async () => {
  await using database = await start();
  const lsn = 'SELECT redo_lsn FROM pg_control_checkpoint();';
  await askAll(database, ['CREATE TABLE t (i integer);']);
  const [before] = await askAll(database, [lsn]);
  const { application, said } = await quiesceWorkload(database.workload, { fileSystems: BOTH });
  assert.is(said, 'freeze');
  assert.is.not((await askAll(database, [lsn]))[0], before);
  assert.is((await sessionsOf(database)).length, 1);
  // Writers go on.
  await askAll(database, ['INSERT INTO t VALUES (1);']);
  await application.resume();
  assert.equal(codesOf(application), []);
  assert.equal(application.record(), { name: 'postgres', findings: [], held: undefined });
  assert.equal(await sessionsOf(database), []);
});

test('WAL that lies outside and is not archived: 500, and the message says what lies where', async () => {
  await using database = await start();
  const { said, message } = await quiesceWorkload(database.workload);
  assert.is(said, 'freeze 500');
  assert.match(message, /the data directory \S+ lies on \/lab;/);
  assert.match(message, `lies on ${WAL_DISK}, which is not frozen`);
  assert.match(message, 'archive_mode');
  assert.equal(await sessionsOf(database), []);
});

test('a data directory that lies outside: 500, archived or not', async () => {
  await using database = await start("archive_mode = on\narchive_command = '/bin/true'\n");
  const { said, message } = await quiesceWorkload(database.workload, {
    fileSystems: [planned(WAL_DISK)],
  });
  assert.is(said, 'freeze 500');
  assert.match(message, 'the data directory');
});

test('a tablespace that lies outside: 500', async () => {
  await using database = await start();
  const elsewhere = `${WAL_DISK}/tablespace`;
  await runCommand('install', ['-d', '-o', 'postgres', elsewhere]);
  await askAll(database, [`CREATE TABLESPACE space LOCATION '${elsewhere}';`]);
  const { said, message } = await quiesceWorkload(database.workload);
  assert.is(said, 'freeze 500');
  assert.match(message, `the tablespace`);
  const covered = await quiesceWorkload(database.workload, { fileSystems: BOTH });
  assert.is(covered.said, 'freeze');
  await covered.application.resume();
});

test('a part that was moved by a symbolic link and lies outside: 500; a link to logs is no part', async () => {
  await using database = await start("archive_mode = on\narchive_command = '/bin/true'\n");
  const [directory = ''] = await askAll(database, ['SHOW data_directory;']);
  const elsewhere = `${WAL_DISK}/base-of-another`;
  await runCommand('cp', ['-a', `${directory}/base`, elsewhere]);
  symlinkSync('/var/log', `${directory}/log`);
  const { said, application } = await quiesceWorkload(database.workload);
  await application.resume();
  assert.is(said, 'freeze');
  renameSync(`${directory}/base`, `${directory}/base.former`);
  symlinkSync(elsewhere, `${directory}/base`);
  const moved = await quiesceWorkload(database.workload);
  await moved.application.resume();
  assert.is(moved.said, 'freeze 500');
  assert.match(moved.message, `base ${elsewhere} lies on ${WAL_DISK}, which is not frozen`);
});

test('WAL that lies outside and is archived: its own backup mode covers it', async () => {
  await using database = await start("archive_mode = on\narchive_command = '/bin/true'\n");
  const { application, said, notes } = await quiesceWorkload(database.workload);
  assert.is(said, 'freeze');
  await application.resume();
  assert.equal(codesOf(application), []);
  assert.ok(application.record().held !== undefined);
  assert.match(notes.join('\n'), /backup_label .*\n.*START WAL LOCATION/);
});

test('without a freeze a checkpoint is not enough for two disks', async () => {
  await using database = await start();
  const { said } = await quiesceWorkload(database.workload, { fileSystems: BOTH, freezes: false });
  assert.is(said, 'freeze 500');
});

test('without a freeze the backup mode covers two disks if the WAL is archived', async () => {
  await using database = await start("archive_mode = on\narchive_command = '/bin/true'\n");
  const unfrozen = { fileSystems: BOTH, freezes: false };
  const { application, said, message } = await quiesceWorkload(database.workload, unfrozen);
  assert.is(said, 'freeze', message);
  await application.resume();
  assert.equal(codesOf(application), []);
  assert.ok(application.record().held !== undefined);
  const missed = await quiesceWorkload(database.workload, {
    ...unfrozen,
    isSnapshotted: ({ mountPoint }) => mountPoint === WAL_DISK,
  });
  assert.is(missed.said, 'freeze 500');
});

test('options of psql that change how it shows values change nothing here', async () => {
  await using database = await start();
  const shown = `${database.workload}\n`.replace('-h ', '-x --csv -H -W -P border=2 -h ');
  const { application, said, message } = await quiesceWorkload(shown, { fileSystems: BOTH });
  assert.is(said, 'freeze', message);
  await application.resume();
  assert.equal(codesOf(application), []);
  const echoed = database.workload.replace('-h ', '-a -h ');
  const refused = await quiesceWorkload(echoed, { fileSystems: BOTH });
  assert.is(refused.said, 'freeze 506');
  assert.match(refused.message, 'credString must not change');
});

test('small time-outs of the operator do not end the session', async () => {
  await using database = await start(
    'statement_timeout = 300\nidle_session_timeout = 300\nlock_timeout = 300\n',
  );
  const { application, said, message } = await quiesceWorkload(database.workload, {
    fileSystems: BOTH,
  });
  assert.is(said, 'freeze', message);
  await delay(800);
  await application.resume();
  assert.equal(codesOf(application), []);
});

test('a checkpoint that takes longer than the time-out: 510', async () => {
  await using database = await start();
  const [checkpointer] = await askAll(database, [
    "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer';",
  ]);
  const workload = database.workload.replace('timeout = 20', 'timeout = 4');
  process.kill(Number(checkpointer), 'SIGSTOP');
  try {
    const { said } = await quiesceWorkload(workload, { fileSystems: BOTH });
    assert.is(said, 'freeze 510');
  } finally {
    process.kill(Number(checkpointer), 'SIGCONT');
  }
  // The server sees the end of a session a moment after the client's.
  while ((await sessionsOf(database)).length > 0) {
    await delay(20);
  }
});

test('a server in a container, at whose place another cluster lies on this machine: 500', async () => {
  await using database = await start();
  await using other = await start();
  const [there, here] = await Promise.all(
    [database, other].map(async (each) => (await askAll(each, ['SHOW data_directory;']))[0]),
  );
  // The place that a server names is in its own mount namespace.
  mkdirSync('/lab/bin');
  writeFileSync('/lab/bin/psql', `#!/bin/sh\npsql "$@" | sed -u s:${there}:${here}:\n`, {
    mode: 0o755,
  });
  const { application, said, message } = await quiesceWorkload(
    `${database.workload}command_path = /lab/bin\n`,
    { fileSystems: BOTH },
  );
  await application.resume();
  assert.is(said, 'freeze 500');
  assert.match(message, `${here}, but what lies there on this machine is another cluster`);
});

test('refusals have their codes', async () => {
  await using database = await start();
  const sockets = /-h (\S+)/.exec(database.workload)?.[1] ?? '';
  await askAll(database, ['CREATE ROLE weak LOGIN;']);
  const cases: readonly [name: string, lines: string, said: string, words: string][] = [
    [
      'an unknown role',
      `credString = -h ${sockets} -U nobody_at_all`,
      'freeze 505',
      'does not exist',
    ],
    [
      'a role without rights',
      `credString = -h ${sockets} -U weak`,
      'freeze 505',
      'must be superuser',
    ],
    ['no server', 'credString = -h /nowhere', 'freeze 506', '/nowhere'],
    ['no account', 'linux_user = nobody_at_all', 'freeze 501', 'nobody_at_all'],
    ['no client', 'command_path = /nowhere', 'freeze 500', 'psql'],
    ['no replica', `credString = -h ${sockets}\nrole = slave`, 'freeze 502', 'no replica'],
  ];
  for (const [name, lines, said, words] of cases) {
    const text = `[workload]\nworkload_name = postgres\n${lines}\n`;
    const quiesced = await quiesceWorkload(text, { fileSystems: BOTH });
    assert.is(quiesced.said, said, `${name}: ${quiesced.message}`);
    assert.match(quiesced.message, words);
  }
});

test('a server that does not answer: 510 within the time-out, and its client is ended', async () => {
  await using database = await start();
  const workload = database.workload.replace('timeout = 20', 'timeout = 1');
  process.kill(database.process.pid, 'SIGSTOP');
  try {
    const { said } = await quiesceWorkload(workload, { fileSystems: BOTH });
    assert.ok(['freeze 510', 'freeze 506'].includes(said), said);
  } finally {
    process.kill(database.process.pid, 'SIGCONT');
  }
});

test('a session that the server ended meanwhile: 504', async () => {
  await using database = await start();
  const { application } = await quiesceWorkload(database.workload, { fileSystems: BOTH });
  await askAll(database, [
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'flashfreeze';",
  ]);
  await application.resume();
  assert.equal(codesOf(application), [504]);
});

test('the client runs as the account of the workload, its password out of sight', async () => {
  await using database = await start();
  const sockets = /-h (\S+)/.exec(database.workload)?.[1] ?? '';
  const uri = `postgresql://postgres:hush7@/postgres?host=${sockets}`;
  const { application, said } = await quiesceWorkload(
    `[workload]\nworkload_name = postgres\ncredString = ${uri}\n`,
    { fileSystems: BOTH },
  );
  assert.is(said, 'freeze');
  const listing = await runCommand('ps', ['-eo', 'user:20,args']);
  const client = listing.split('\n').find((line) => /psql.*--no-psqlrc/.test(line)) ?? '';
  assert.match(client, /^postgres /);
  assert.not.match(listing, 'hush7');
  await application.resume();
});

test('an abort ends it at once', async () => {
  await using database = await start();
  process.kill(database.process.pid, 'SIGSTOP');
  try {
    const { application } = await quiesceWorkload(database.workload, {
      fileSystems: BOTH,
      abort: AbortSignal.timeout(300),
    });
    assert.is(application.findings.length, 1);
  } finally {
    process.kill(database.process.pid, 'SIGCONT');
  }
  assert.ok(existsSync('/lab'));
});

test.run();
