import { readdir, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { ResultCode } from '../../result-codes.ts';
import { findClient } from './client-program.ts';
import type { Dialect } from './client-session.ts';
import { withoutPassword } from './credentials.ts';
import { DatabaseFault } from './fault.ts';
import {
  type DatabasePart,
  describeParts,
  partsOutside,
  partsWithoutSnapshot,
  placeParts,
} from './file-locations.ts';
import type { DatabaseContext, HeldDatabase } from './held-database.ts';
import { mountsOfServersIn } from './server-processes.ts';
import { DatabaseSession } from './session.ts';

/** `:ERROR` and `:SQLSTATE` tell how the last statement went (psql 11 and later). */
export const PSQL: Dialect = {
  // It ends where its connection does.
  isLost: () => false,
  markLine: (mark) => `\\echo ${mark} :ERROR :SQLSTATE`,
  errorIn: ({ afterMark, complaint }) => {
    const [isError = '', state = ''] = afterMark.trim().split(' ');
    const said = /^.*(?:ERROR|FATAL|PANIC):.*$/m.exec(complaint)?.[0];
    const isRefused = isError === 'true' || (isError !== 'false' && said !== undefined);
    return isRefused ? `${said ?? complaint} (${state})` : undefined;
  },
};

export const PSQL_ARGUMENTS: readonly string[] = [
  '--no-psqlrc',
  '--quiet',
  '--no-align',
  '--tuples-only',
  '--no-password',
];

/** What has to be known of a server before it is quiesced. */
interface Server {
  readonly version: number;
  readonly isReplica: boolean;
  readonly archives: boolean;
  readonly dataDirectory: string;
}

/**
 * A snapshot of all of a server's files at one instant is what a power cut would leave, which it recovers
 * from by its WAL; a CHECKPOINT right before keeps that short, and nothing is held. Where the WAL lies
 * outside, or nothing is frozen, its own backup mode covers that if the WAL is archived: what was written
 * until pg_backup_stop is replayed from the archive.
 */
export async function holdPostgres(context: DatabaseContext): Promise<HeldDatabase> {
  const { workload } = context;
  const session = connect(context);
  try {
    const server = await inspect(session);
    if (workload.replicaOnly && !server.isReplica) {
      throw new DatabaseFault(
        502,
        'this PostgreSQL is no replica, and only a replica is to be backed up',
      );
    }
    await session.ask(`SET statement_timeout = ${Math.round(workload.timeoutMs)};`);
    // Known from version 14 on: a worker that was stopped does not keep its session for ever.
    await session.tryAsk(`SET idle_session_timeout = ${Math.round(workload.timeoutMs)};`);
    await requireSameCluster(session, server);
    const mode = await modeFor(server, context);
    return await (mode === 'checkpoint'
      ? holdByCheckpoint(session, workload.timeoutMs)
      : holdByBackupMode(session, server, context));
  } catch (error) {
    session.kill();
    await session.end();
    throw error;
  }
}

function connect(context: DatabaseContext): DatabaseSession {
  const { workload, account } = context;
  const { args, password } = withoutPassword('postgres', workload.credentials);
  const database = workload.databases[0] ?? 'postgres';
  const environment = {
    PGDATABASE: database,
    PGCONNECT_TIMEOUT: String(Math.ceil(workload.timeoutMs / 1_000)),
    PGAPPNAME: 'flashfreeze',
    ...(password === undefined ? {} : { PGPASSWORD: password }),
  };
  const session = new DatabaseSession(
    'PostgreSQL',
    {
      program: findClient(workload.commandPath, ['psql']),
      // Of options that exclude each other the last one counts.
      args: [...args, ...PSQL_ARGUMENTS, '--field-separator=\t', '--pset=expanded=off'],
      environment,
      account,
    },
    PSQL,
    codeOfRefusal,
    workload.timeoutMs,
  );
  context.onSession(session);
  return session;
}

/**
 * psql has no SQLSTATE for a session that did not come about, and the server says why in its own language: the
 * words are those of English, German, French, Italian, Spanish and Portuguese.
 */
const NOT_LET_IN =
  /\((?:42501|28\w{3})\)|authenti|autenti|pg_hba\.conf|permission denied|no password supplied|role ".*" does not exist/i;

function codeOfRefusal(reason: string, otherwise: ResultCode): ResultCode {
  if (/\(57014\)/.test(reason)) {
    return 510;
  }
  return NOT_LET_IN.test(reason) ? 505 : otherwise;
}

async function inspect(session: DatabaseSession): Promise<Server> {
  const [line = ''] = await session.ask(
    "SELECT current_setting('server_version_num'), pg_is_in_recovery(), current_setting('archive_mode'), current_setting('data_directory');",
    506,
  );
  const [version = '', isReplica = '', archiveMode = '', ...directory] = line.split('\t');
  if (!/^\d+\t[ft]\t\w+\t\//.test(line)) {
    throw new DatabaseFault(
      506,
      `psql gave "${line}" for four settings of the server; credString must not change how it shows them`,
    );
  }
  return {
    version: Number(version),
    isReplica: isReplica === 't',
    archives: archiveMode === 'always' || (archiveMode === 'on' && isReplica !== 't'),
    dataDirectory: directory.join('\t'),
  };
}

/**
 * A server elsewhere or in a container names places of its own: what lies there on this machine may be another
 * cluster. The identifier is the first field of pg_control, in the machine's byte order.
 *
 * @throws DatabaseFault 500
 */
async function requireSameCluster(
  session: DatabaseSession,
  { dataDirectory }: Server,
): Promise<void> {
  // Since 9.6, and where it is not forbidden.
  const [identifier] =
    (await session.tryAsk('SELECT system_identifier FROM pg_control_system();')) ?? [];
  const control = await readFile(join(dataDirectory, 'global/pg_control')).catch(cannotLook);
  if (identifier !== undefined && control.readBigInt64LE() !== BigInt(identifier)) {
    throw new DatabaseFault(
      500,
      `the server keeps its files in ${dataDirectory}, but what lies there on this machine is another cluster`,
    );
  }
}

function cannotLook(error: unknown): never {
  throw new DatabaseFault(500, `the files of PostgreSQL cannot be looked at: ${String(error)}`);
}

const WAL = 'the WAL';

/** What a restored cluster needs, besides WAL and tablespaces. Links to logs or certificates are no part of it. */
const NEEDED = /^(?:base|global|pg_(?:xact|clog|multixact|commit_ts|twophase|logical|replslot))$/;

/** Data directory, WAL, every tablespace elsewhere, and every directory of the cluster that is a symbolic link. */
async function partsOf({ dataDirectory, version }: Server): Promise<DatabasePart[]> {
  const wal = join(dataDirectory, version >= 100_000 ? 'pg_wal' : 'pg_xlog');
  const links = join(dataDirectory, 'pg_tblspc');
  const names = await readdir(links);
  const moved = await Promise.all([
    linksIn(dataDirectory, (name) => NEEDED.test(name)),
    linksIn(join(dataDirectory, 'base'), () => true),
  ]);
  return [
    { what: 'the data directory', path: await realpath(dataDirectory) },
    { what: WAL, path: await realpath(wal) },
    ...(await Promise.all(
      names.map(async (name) => ({
        what: `the tablespace ${name}`,
        path: await realpath(join(links, name)),
      })),
    )),
    ...moved.flat(),
  ];
}

/** PostgreSQL makes links only for WAL and tablespaces; an administrator may have moved other parts by one. */
async function linksIn(
  directory: string,
  isNeeded: (name: string) => boolean,
): Promise<DatabasePart[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const links = entries.filter((it) => it.isSymbolicLink() && isNeeded(it.name));
  return await Promise.all(
    links.map(async ({ name }) => ({ what: name, path: await realpath(join(directory, name)) })),
  );
}

/** What of the server's files the snapshots hold decides. @throws DatabaseFault 500 if nothing helps */
async function modeFor(
  server: Server,
  { circumstances }: DatabaseContext,
): Promise<'checkpoint' | 'backup-mode'> {
  const parts = await partsOf(server).catch(cannotLook);
  const ofServer = await mountsOfServersIn(server.dataDirectory).catch(cannotLook);
  const placed = await placeParts(parts, circumstances, ofServer);
  const outside = partsOutside(placed, circumstances);
  if (outside.length === 0) {
    return 'checkpoint';
  }
  const where = describeParts(placed, outside);
  const isInArchive = partsWithoutSnapshot(placed, circumstances).every(({ what }) => what === WAL);
  if (!(isInArchive && server.archives)) {
    const why = isInArchive ? ' and the WAL is not archived (archive_mode)' : '';
    throw new DatabaseFault(500, `PostgreSQL is not application consistent: ${where}${why}`);
  }
  circumstances.note(`PostgreSQL: ${where}; its own backup mode is used, restore with the archive`);
  return 'backup-mode';
}

async function holdByCheckpoint(
  session: DatabaseSession,
  timeoutMs: number,
): Promise<HeldDatabase> {
  await session.ask('CHECKPOINT;');
  return {
    heldFromNs: undefined,
    release: async () => {
      try {
        session.allow(timeoutMs);
        await session.ask('SELECT 1;', 504);
      } finally {
        await session.end();
      }
    },
  };
}

async function holdByBackupMode(
  session: DatabaseSession,
  { version }: Server,
  { workload, circumstances }: DatabaseContext,
): Promise<HeldDatabase> {
  const isNew = version >= 150_000;
  const heldFromNs = process.hrtime.bigint();
  await session.ask(
    isNew
      ? "SELECT pg_backup_start('flashfreeze', true);"
      : "SELECT pg_start_backup('flashfreeze', true, false);",
  );
  return {
    heldFromNs,
    release: async () => {
      try {
        session.allow(workload.timeoutMs);
        const stop = isNew ? 'pg_backup_stop(false)' : 'pg_stop_backup(false, false)';
        const label = await session.ask(`SELECT labelfile FROM ${stop};`, 504);
        circumstances.note(
          `PostgreSQL: put this into the file backup_label of the restored data directory:\n${label.join('\n')}`,
        );
      } finally {
        await session.end();
      }
    },
  };
}
