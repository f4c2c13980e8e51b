import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, copyFileSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { runPendingCleanup } from '../../../src/backup/journal/pending-cleanup.ts';
import type { LabDatabase } from '../../../src/lab/databases/database-server.ts';
import { askAll } from '../../../src/lab/databases/engine.ts';
import { BACKUP_PASSWORD, LabMariaDb, mariaDbPlaces } from '../../../src/lab/databases/mariadb.ts';
import { enterLab } from '../../../src/lab/namespace.ts';
import { runCommand } from '../../../src/lab/run-command.ts';
import { unmount } from '../../../src/lab/unmount.ts';
import { ClientSession } from '../../../src/quiesce/databases/client-session.ts';
import type { PendingCleanup } from '../../../src/quiesce/quiesce-types.ts';
import { suite } from '../../suite.ts';
import { mountImageAt } from './mount-image.ts';
import { codesOf, planned, quiesceWorkload } from './quiescing.ts';

await enterLab({
  lifetimeSeconds: 600,
  commands: ['mariadbd', 'mariadb', 'mariadb-install-db'],
});

const test = suite('MariaDB');
const LOG_DISK = '/lab/log-disk';
const HOLDER = join(import.meta.dirname, 'fixtures/holder.ts');
mkdirSync(LOG_DISK);
await runCommand('mount', ['-t', 'tmpfs', 'logs', LOG_DISK]);

let count = 0;

async function start(options: readonly string[] = []): Promise<LabMariaDb> {
  count += 1;
  const places = mariaDbPlaces(`/lab/data-disk/${count}`, `${LOG_DISK}/${count}`);
  const database = await LabMariaDb.create(places, options);
  await askAll(database, ['CREATE DATABASE d;', 'CREATE TABLE d.t (i integer) ENGINE=InnoDB;']);
  return database;
}

const BOTH = [planned('/lab'), planned(LOG_DISK)];

for (const { what, file, options } of [
  {
    what: "InnoDB's system tablespace",
    file: 'ibdata1',
    options: (at: string) => [
      '--innodb-data-home-dir=',
      `--innodb-data-file-path=${at}/ibdata1:12M:autoextend`,
    ],
  },
  {
    what: 'the Aria log',
    file: 'aria_log_control',
    options: (at: string) => [`--aria-log-dir-path=${at}`],
  },
]) {
  test(`${what} is part of the server: 500 if it lies outside`, async () => {
    const elsewhere = `${LOG_DISK}/${file}-of-the-server`;
    await runCommand('install', ['-d', '-o', 'nobody', elsewhere]);
    count += 1;
    const places = mariaDbPlaces(`/lab/data-disk/${count}`, `/lab/data-disk/${count}-logs`);
    const first = await LabMariaDb.create(places);
    await first[Symbol.asyncDispose]();
    renameOver(join(places.dataDirectory, file), join(elsewhere, file));
    await using database = await LabMariaDb.start(places, options(elsewhere));
    const outside = await quiesceWorkload(database.workload);
    await outside.application.resume();
    assert.is(outside.said, 'freeze 500', outside.message);
    assert.match(outside.message, `${what} ${elsewhere}`);
    assert.match(outside.message, `lies on ${LOG_DISK}, which is not frozen`);
    const covered = await quiesceWorkload(database.workload, { fileSystems: BOTH });
    await covered.application.resume();
    assert.is(covered.said, 'freeze', covered.message);
  });
}

/** To another file system, with the owner. */
function renameOver(from: string, to: string): void {
  const { uid, gid } = statSync(from);
  copyFileSync(from, to);
  chownSync(to, uid, gid);
  rmSync(from);
}

/** A row that is being inserted and committed. */
class Insert implements AsyncDisposable {
  readonly #session: ClientSession;
  readonly committed: Promise<void>;
  isCommitted = false;

  constructor({ client, dialect }: LabDatabase) {
    this.#session = new ClientSession(client, dialect);
    this.committed = this.#session.ask('INSERT INTO d.t VALUES (1);', 60_000).then((answer) => {
      assert.is(answer.kind, 'answered');
      this.isCommitted = true;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.end();
  }
}

async function assertWritable(database: LabDatabase): Promise<void> {
  await using insert = new Insert(database);
  await insert.committed;
}

test('holds commits from quiesce to resume', async () => {
  await using database = await start();
  const { application, said } = await quiesceWorkload(database.workload, { fileSystems: BOTH });
  assert.is(said, 'freeze');
  await using insert = new Insert(database);
  await delay(500);
  assert.is(insert.isCommitted, false);
  await application.resume();
  await insert.committed;
  const { held, findings } = application.record();
  assert.equal(findings, []);
  assert.ok(held !== undefined && held.toNs - held.fromNs > 500_000_000n);
});

test('leaves read_only as it was', async () => {
  await using database = await start();
  const ask = async (): Promise<string | undefined> =>
    (await askAll(database, ['SELECT @@GLOBAL.read_only;']))[0];
  for (const value of ['0', '1']) {
    await askAll(database, [`SET GLOBAL read_only = ${value};`]);
    const { application } = await quiesceWorkload(database.workload, { fileSystems: BOTH });
    assert.is(await ask(), value);
    await application.resume();
    assert.is(await ask(), value);
  }
});

/** A replica with two connections, of which the first one's SQL thread runs. */
async function startReplica(): Promise<LabMariaDb> {
  const database = await start();
  await askAll(database, [
    "CHANGE MASTER 'one' TO MASTER_HOST='127.0.0.1', MASTER_USER='r';",
    "CHANGE MASTER 'two' TO MASTER_HOST='127.0.0.1', MASTER_USER='r';",
    "START SLAVE 'one' SQL_THREAD;",
  ]);
  return database;
}

async function sqlThreads(database: LabMariaDb): Promise<string> {
  const { args } = database.client;
  const named = args.filter((option) => option !== '--skip-column-names');
  const said = await runCommand('mariadb', [...named, '-e', 'SHOW ALL SLAVES STATUS\\G']);
  return [...said.matchAll(/Slave_SQL_Running: (\w+)/g)].map(([, state]) => state).join(' ');
}

async function untilStopped(database: LabMariaDb): Promise<void> {
  while ((await sqlThreads(database)) !== 'No No') {
    await delay(20);
  }
}

test('stops the SQL thread of a replica, and starts again only what had been running', async () => {
  await using database = await startReplica();
  const running = (): Promise<string> => sqlThreads(database);
  assert.is(await running(), 'Yes No');
  const replica = `${database.workload}role = slave\n`;
  const { application, said, message } = await quiesceWorkload(replica, { fileSystems: BOTH });
  assert.is(said, 'freeze', message);
  assert.is(await running(), 'No No');
  await application.resume();
  assert.equal(codesOf(application), []);
  assert.is(await running(), 'Yes No');
});

/** Keeps a table locked, so that nobody gets a lock of all tables. */
async function withLockedTable(database: LabMariaDb): Promise<AsyncDisposable> {
  await askAll(database, ['CREATE TABLE d.m (i integer) ENGINE=MyISAM;']);
  const other = new ClientSession(database.client, database.dialect);
  await other.ask('LOCK TABLES d.m WRITE;', 60_000);
  return { [Symbol.asyncDispose]: () => other.end() };
}

test('a replica whose locks hang, for the time-out or until an abort, runs its SQL thread again', async () => {
  await using database = await startReplica();
  await using _locked = await withLockedTable(database);
  for (const isAborted of [false, true]) {
    const abort = new AbortController();
    const workload = database.workload.replace('timeout = 20', `timeout = ${isAborted ? 120 : 5}`);
    const settled: (readonly PendingCleanup[])[] = [];
    const quiescing = quiesceWorkload(workload, {
      fileSystems: BOTH,
      addPending:
        async () =>
        async (left = []) => {
          settled.push(left);
        },
      abort: abort.signal,
    });
    if (isAborted) {
      // By an event: however slow the machine is, the thread is stopped when the abort comes.
      await Promise.race([quiescing, untilStopped(database)]);
      abort.abort();
    }
    const { application, said } = await quiescing;
    assert.is(said, isAborted ? 'freeze 506' : 'freeze 510');
    assert.is(await sqlThreads(database), 'Yes No');
    assert.equal(settled, [[]]);
    await application.resume();
  }
});

test('a replica that has ended the session meanwhile runs its SQL thread again: 504', async () => {
  await using database = await startReplica();
  const { application } = await quiesceWorkload(database.workload, { fileSystems: BOTH });
  assert.is(await sqlThreads(database), 'No No');
  await killSession(database);
  await application.resume();
  assert.equal(codesOf(application), [504]);
  assert.is(await sqlThreads(database), 'Yes No');
});

test('a binary log that lies outside: 500, and nothing is held', async () => {
  await using database = await start();
  const { application, said, message } = await quiesceWorkload(database.workload);
  assert.is(said, 'freeze 500');
  assert.match(message, `the binary log ${LOG_DISK}`);
  await assertWritable(database);
  await application.resume();
});

test('a table that an InnoDB link puts outside: 500', async () => {
  await using database = await start();
  await runCommand('install', ['-d', '-o', 'nobody', `${LOG_DISK}/tables`]);
  await askAll(database, [
    `CREATE TABLE d.far (i integer) ENGINE=InnoDB DATA DIRECTORY='${LOG_DISK}/tables';`,
  ]);
  const outside = await quiesceWorkload(database.workload);
  assert.is(outside.said, 'freeze 500');
  assert.match(outside.message, `far.isl ${LOG_DISK}/tables/d/far.ibd lies on ${LOG_DISK}, which`);
  const inside = await quiesceWorkload(database.workload, { fileSystems: BOTH });
  assert.is(inside.said, 'freeze');
  await inside.application.resume();
});

test('refusals have their codes', async () => {
  await using database = await start();
  await askAll(database, ["CREATE USER weak@localhost IDENTIFIED BY 'weak';"]);
  const socket = /-S (\S+)/.exec(database.workload)?.[1] ?? '';
  const cases: readonly [name: string, lines: string, said: string, words: string][] = [
    ['a wrong password', `credString = -S ${socket} -u backup -pwrong`, 'freeze 505', '1045'],
    ['a user without rights', `credString = -S ${socket} -u weak -pweak`, 'freeze 505', '1227'],
    [
      'a password that is asked for',
      `credString = -S ${socket} -u backup -p`,
      'freeze 505',
      '1045',
    ],
    ['no server', 'credString = -S /nowhere', 'freeze 506', '/nowhere'],
    ['no account', 'linux_user = nobody_at_all', 'freeze 501', 'nobody_at_all'],
    ['no client', 'command_path = /nowhere', 'freeze 500', 'mysql'],
    [
      'no replica',
      `credString = -S ${socket} -u backup -p${BACKUP_PASSWORD}\nenforceSlaveOnly = True`,
      'freeze 502',
      'no replica',
    ],
  ];
  for (const [name, lines, said, words] of cases) {
    const text = `[workload]\nworkload_name = mysql\nlinux_user = nobody\n${lines}\n`;
    const quiesced = await quiesceWorkload(text, { fileSystems: BOTH });
    assert.is(quiesced.said, said, `${name}: ${quiesced.message}`);
    assert.match(quiesced.message, words);
    assert.not.match(quiesced.message, BACKUP_PASSWORD);
  }
});

test('a server in a container, at whose place other files lie on this machine: 500', async () => {
  await using database = await start();
  const here = `/lab/data-disk/${count}`;
  mkdirSync(`/lab/other/mysql/data`, { recursive: true });
  await runCommand('mount', ['--bind', '/lab/other', here]);
  // Neither a server of its own nor anything else that works in that directory is the server of the session.
  const worker = spawn('sleep', ['600'], { cwd: join(here, 'mysql/data') });
  await once(worker, 'spawn');
  const { said, message } = await quiesceWorkload(database.workload, { fileSystems: BOTH });
  worker.kill('SIGKILL');
  await unmount(here);
  assert.is(said, 'freeze 500', message);
  assert.match(message, /data\/?, but not in the directory of that name on this machine/);
  const after = await quiesceWorkload(database.workload, { fileSystems: BOTH });
  assert.is(after.said, 'freeze', after.message);
  await after.application.resume();
});

test('a server in a container whose files are those at its place on this machine is held', async () => {
  await (await start()).process.stop('SIGTERM');
  const places = mariaDbPlaces(`/lab/data-disk/${count}`, `${LOG_DISK}/${count}`);
  // The server numbers its threads from 1.
  const container = 'unshare --user --map-current-user --pid --fork --kill-child=SIGKILL';
  const server = (await runCommand('sh', ['-c', 'command -v mariadbd'])).trim();
  mkdirSync('/lab/container');
  writeFileSync('/lab/container/mariadbd', `#!/bin/sh\nexec ${container} ${server} "$@"\n`, {
    mode: 0o755,
  });
  const { PATH } = process.env;
  process.env.PATH = `/lab/container:${PATH}`;
  const database = await LabMariaDb.start(places, []).finally(() => {
    process.env.PATH = PATH;
  });
  try {
    const { said, message, application } = await quiesceWorkload(database.workload, {
      fileSystems: BOTH,
    });
    assert.is(said, 'freeze', message);
    await application.resume();
  } finally {
    // unshare(1) leaves other signals to its child.
    await database.process.stop('SIGKILL');
  }
});

test('a server that has another file system mounted at a place of its files than this machine: 500', async () => {
  await (await start()).process.stop('SIGTERM');
  const places = mariaDbPlaces(`/lab/data-disk/${count}`, `/lab/data-disk/${count}-logs`);
  const elsewhere = '/lab/disk-of-the-container';
  await mountImageAt(elsewhere);
  await runCommand('cp', ['-a', `${places.dataDirectory}/d/.`, elsewhere]);
  await runCommand('install', ['-d', '-o', 'nobody', places.binaryLogs]);
  const server = (await runCommand('sh', ['-c', 'command -v mariadbd'])).trim();
  mkdirSync('/lab/service');
  // As systemd does for BindPaths=.
  const bind = `mount --bind ${elsewhere} ${places.dataDirectory}/d && exec ${server} "$@" --user=root`;
  writeFileSync(
    '/lab/service/mariadbd',
    `#!/bin/sh\nexec unshare --user --map-root-user --mount sh -c '${bind}' sh "$@"\n`,
    { mode: 0o755 },
  );
  const { PATH } = process.env;
  process.env.PATH = `/lab/service:${PATH}`;
  await using database = await LabMariaDb.start(places, []).finally(() => {
    process.env.PATH = PATH;
  });
  const outside = await quiesceWorkload(database.workload);
  await outside.application.resume();
  assert.is(outside.said, 'freeze 500', outside.message);
  assert.match(
    outside.message,
    `what the server has mounted at the data directory ${places.dataDirectory}/d lies on ${elsewhere}, which is not frozen`,
  );
  const both = [planned('/lab'), planned(elsewhere)];
  const covered = await quiesceWorkload(database.workload, { fileSystems: both });
  await covered.application.resume();
  assert.is(covered.said, 'freeze', covered.message);
});

test('a server whose sessions share a pool of threads is held', async () => {
  await using database = await start(['--thread-handling=pool-of-threads']);
  const { said, message, application } = await quiesceWorkload(database.workload, {
    fileSystems: BOTH,
  });
  assert.is(said, 'freeze', message);
  await application.resume();
});

test('a table lock that somebody keeps: 510 in time, and nothing is held afterwards', async () => {
  await using database = await start();
  {
    await using _locked = await withLockedTable(database);
    const workload = database.workload.replace('timeout = 20', 'timeout = 4');
    const { said, application, message } = await quiesceWorkload(workload, { fileSystems: BOTH });
    assert.is(said, 'freeze 510', message);
    assert.match(message, /writers may have waited behind it for \d+\.\d s/);
    await application.resume();
  }
  await assertWritable(database);
});

test('a small max_statement_time of the operator changes nothing', async () => {
  await using database = await start();
  const locked = await withLockedTable(database);
  // Only now: it limits the statements of the lab as well.
  await askAll(database, ['SET GLOBAL max_statement_time = 0.4;']);
  const workload = database.workload.replace('timeout = 20', 'timeout = 60');
  const quiescing = quiesceWorkload(workload, { fileSystems: BOTH });
  await delay(1_500);
  await locked[Symbol.asyncDispose]();
  const { application, said, message } = await quiescing;
  assert.is(said, 'freeze', message);
  await application.resume();
  assert.equal(codesOf(application), []);
});

test('the option file of the account changes neither the password nor how answers are read', async () => {
  await using database = await start();
  const home = '/root/.my.cnf';
  const lines = ['html', 'xml', 'table', 'vertical', 'delimiter=//', 'binary-mode'];
  writeFileSync(
    home,
    `[client]\nuser=nobody\npassword=wrong\n[mysql]\npager=less\npassword=wrong\n${lines.join('\n')}\n`,
    { mode: 0o600 },
  );
  try {
    const workload = database.workload.replace('linux_user = nobody', 'linux_user = root');
    const { application, said, message } = await quiesceWorkload(workload, { fileSystems: BOTH });
    assert.is(said, 'freeze', message);
    await application.resume();
    assert.equal(codesOf(application), []);
  } finally {
    rmSync(home);
  }
});

/** As the server does where it has heard nothing for too long. */
async function killSession(database: LabMariaDb): Promise<void> {
  const [session] = await askAll(database, [
    "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'backup';",
  ]);
  await askAll(database, [`KILL ${session};`]);
}

test('a session that the server ended meanwhile: 504', async () => {
  await using database = await start();
  const { application } = await quiesceWorkload(database.workload, { fileSystems: BOTH });
  await killSession(database);
  await application.resume();
  assert.equal(codesOf(application), [504]);
  await assertWritable(database);
});

test('the client runs as the account of the workload, its password out of sight', async () => {
  await using database = await start();
  const { application } = await quiesceWorkload(database.workload, { fileSystems: BOTH });
  const listing = await runCommand('ps', ['-eo', 'user:20,args']);
  const client = listing.split('\n').find((line) => line.includes('-u backup')) ?? '';
  assert.match(client, /^nobody /);
  assert.not.match(listing, BACKUP_PASSWORD);
  await application.resume();
});

test('a replica whose worker was killed: the next command that can starts its SQL thread again, once', async () => {
  await using database = await startReplica();
  const path = '/lab/replica.conf';
  writeFileSync(path, database.workload, { mode: 0o600 });
  const worker = spawn(process.execPath, [HOLDER, path], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(worker.stdout, 'data');
  assert.is(await sqlThreads(database), 'No No');
  worker.kill('SIGKILL');
  await once(worker, 'exit');
  await assertWritable(database);
  assert.is(await sqlThreads(database), 'No No');
  const sentences: string[] = [];
  writeFileSync(path, database.workload.replace(BACKUP_PASSWORD, 'wrong'));
  await runPendingCleanup((sentence) => sentences.push(sentence));
  assert.match(
    sentences.splice(0).join('\n'),
    `cannot run "START SLAVE 'one' SQL_THREAD;" in the database`,
  );
  assert.is(await sqlThreads(database), 'No No');
  writeFileSync(path, database.workload);
  await runPendingCleanup((sentence) => sentences.push(sentence));
  assert.match(sentences.join('\n'), `: ran "START SLAVE 'one' SQL_THREAD;" in the database`);
  assert.is(await sqlThreads(database), 'Yes No');
  await runPendingCleanup((sentence) => sentences.push(sentence));
  assert.is(sentences.length, 1);
});

for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
  test(`a worker that gets ${signal} while the database is held: it accepts writes again without help`, async () => {
    await using database = await start();
    const path = `/lab/holder-${signal}.conf`;
    writeFileSync(path, database.workload.replace('timeout = 20', 'timeout = 6'), { mode: 0o600 });
    const worker = spawn(process.execPath, [HOLDER, path], { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      await once(worker.stdout, 'data');
      await using insert = new Insert(database);
      await delay(300);
      assert.is(insert.isCommitted, false);
      worker.kill(signal);
      await insert.committed;
    } finally {
      worker.kill('SIGKILL');
    }
  });
}

test.run();
