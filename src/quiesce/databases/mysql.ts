import type { ResultCode } from '../../result-codes.ts';
import type { PendingStatements } from '../quiesce-types.ts';
import { findClient } from './client-program.ts';
import type { Dialect } from './client-session.ts';
import { DatabaseFault } from './fault.ts';
import { describeParts, partsOutside, placeParts } from './file-locations.ts';
import type { ConnectionContext, DatabaseContext, HeldDatabase } from './held-database.ts';
import { MYSQL_VARIABLES, mysqlParts } from './mysql-files.ts';
import { mysqlLogon } from './mysql-logon.ts';
import { requireOwnFiles, SERVER_UUID } from './mysql-server.ts';
import { mountsOfServersIn } from './server-processes.ts';
import { DatabaseSession } from './session.ts';
import { forFreshSession, noteFault, type PendingUndo, undo } from './undo.ts';

export const MYSQL_CLIENT: Dialect = {
  markLine: (mark) => `SELECT '${mark}';`,
  errorIn: ({ complaint }) => /^ERROR \d+.*$/m.exec(complaint)?.[0],
  // 2006 gone away, 2013 lost during the query, 2055 lost while reading.
  isLost: (complaint) => /^ERROR 20(?:06|13|55)\b/m.test(complaint),
};

/** A result with the names of columns, which only `\G` needs. */
const NAMING_CLIENT: Dialect = { ...MYSQL_CLIENT, markLine: (mark) => `SELECT '${mark}' AS '';` };
const WITHOUT_NAMES = '--skip-column-names';

/**
 * `--force`: a refused statement must not end the session; `--skip-reconnect`: a new connection would hold
 * nothing of what the old one did (loose: the newest clients never reconnect, and do not know it). The last ones
 * undo what people put into option files for their own eyes.
 */
export const MYSQL_ARGUMENTS: readonly string[] = [
  ...['--batch', '--raw', WITHOUT_NAMES, '--unbuffered', '--force'],
  ...['--loose-skip-reconnect', '--skip-auto-rehash', '--delimiter=;'],
  ...['--skip-html', '--skip-xml', '--skip-table', '--skip-vertical'],
  '--skip-binary-mode',
];

interface Server {
  readonly isMariaDb: boolean;
  /** `10.11.4` → 1011 */
  readonly version: number;
  readonly variables: ReadonlyMap<string, string>;
  /** InnoDB's files as MySQL lists them; MariaDB names those elsewhere in `.isl` files. */
  readonly files: readonly string[];
  readonly replication: Replication;
}

/** Whether it is a replica, and the connections (channels) whose SQL thread runs. */
interface Replication {
  readonly isReplica: boolean;
  /** What the server calls one: `REPLICA` since MySQL 8.0.22, and nothing else since 8.4. */
  readonly word: 'REPLICA' | 'SLAVE';
  readonly running: readonly string[];
}

/** MariaDB's backup stages exist since 10.4.1. */
const BACKUP_STAGES_SINCE = 1004;

/**
 * Holds commits (MariaDB: BACKUP STAGE BLOCK_COMMIT) or all writes (MySQL: FLUSH TABLES WITH READ LOCK) by
 * locks of the session, which the server itself ends when it has heard nothing for the workload's time-out.
 * The SQL thread of a replica is stopped before, and started again if it had been running. `read_only` is not
 * touched.
 */
export async function holdMysql(context: DatabaseContext): Promise<HeldDatabase> {
  const session = connectMysql(context);
  try {
    const server = await inspect(session, context);
    if (context.workload.replicaOnly && !server.replication.isReplica) {
      throw new DatabaseFault(
        502,
        'this server is no replica, and only a replica is to be backed up',
      );
    }
    await requireOwnFiles(session, context.workload.name, server.variables);
    await requireCoverage(server, context);
    return await hold(session, server, context);
  } catch (error) {
    // Not by force: what was stopped is being started again.
    await session.end();
    throw error;
  }
}

/** A session that answers without the names of columns. */
export function connectMysql(context: ConnectionContext): DatabaseSession {
  return connect(context, MYSQL_ARGUMENTS, MYSQL_CLIENT);
}

function connect(
  context: ConnectionContext,
  options: readonly string[],
  dialect: Dialect,
): DatabaseSession {
  const { workload, account } = context;
  const { args, ...logon } = mysqlLogon(workload.credentials, account);
  const session = new DatabaseSession(
    workload.name,
    {
      program: findClient(workload.commandPath, ['mariadb', 'mysql']),
      // Options that name option files or a login path must stand first.
      args: [...args, ...options],
      ...logon,
      account,
    },
    dialect,
    codeOfRefusal,
    workload.timeoutMs,
  );
  context.onSession(session);
  return session;
}

/** Behind the question for a password, if the client has none and reads ours for it. */
const ACCESS_DENIED = /^(?:Enter password: )?ERROR (?:1044|1045|1142|1227|1370|1698)\b/m;
/** Of a lock; and of a statement, MariaDB's max_statement_time. */
const TIMEOUT = /^ERROR (?:1205|1969)\b/m;

function codeOfRefusal(reason: string, otherwise: ResultCode): ResultCode {
  if (ACCESS_DENIED.test(reason)) {
    return 505;
  }
  return TIMEOUT.test(reason) ? 510 : otherwise;
}

async function inspect(session: DatabaseSession, context: DatabaseContext): Promise<Server> {
  const [version = ''] = await session.ask('SELECT VERSION();', 506);
  const [, major = '0', minor = '0'] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  const isMariaDb = /mariadb/i.test(version);
  const wanted = [...MYSQL_VARIABLES, SERVER_UUID];
  const rows = await session.ask(
    `SHOW GLOBAL VARIABLES WHERE Variable_name IN (${wanted.map((it) => `'${it}'`).join(', ')});`,
  );
  return {
    isMariaDb,
    version: Number(major) * 100 + Number(minor),
    variables: new Map(rows.map((row) => splitRow(row))),
    files: isMariaDb ? [] : await session.ask(FILES),
    replication: await replicationOf(context, isMariaDb),
  };
}

/** Needs the PROCESS privilege; without it nothing tells of tables in other directories. */
const FILES =
  "SELECT FILE_NAME FROM information_schema.FILES WHERE FILE_TYPE IN ('TABLESPACE', 'UNDO LOG');";

function splitRow(row: string): [name: string, value: string] {
  const [name = '', ...value] = row.split('\t');
  return [name, value.join('\t')];
}

/**
 * `\G` prints each column on a line of its own with its name, whatever the version calls it; by a session
 * of its own, because names are shown or not from a client's start.
 */
async function replicationOf(context: DatabaseContext, isMariaDb: boolean): Promise<Replication> {
  const options = MYSQL_ARGUMENTS.filter((option) => option !== WITHOUT_NAMES);
  const session = connect(context, options, NAMING_CLIENT);
  const words = isMariaDb ? (['SLAVE'] as const) : (['REPLICA', 'SLAVE'] as const);
  try {
    for (const word of words) {
      const lines = await session.tryAsk(`SHOW ${isMariaDb ? 'ALL SLAVES' : word} STATUS\\G`);
      if (lines !== undefined) {
        return replicationIn(lines, word);
      }
    }
    return replicationIn([], 'SLAVE');
  } finally {
    await session.end();
  }
}

/** The name of a connection stands before the states of its threads (MariaDB), or after them (MySQL). */
function replicationIn(lines: readonly string[], word: Replication['word']): Replication {
  const values = (pattern: RegExp): string[] =>
    lines.flatMap((line) => pattern.exec(line)?.[1] ?? []);
  const states = values(/^\s*(?:Slave|Replica)_SQL_Running:\s*(\w+)/);
  const names = values(/^\s*(?:Connection_name|Channel_Name):\s*(.*?)\s*$/i);
  return {
    isReplica: states.length > 0,
    word,
    running: states.flatMap((state, index) => (state === 'Yes' ? [names[index] ?? ''] : [])),
  };
}

/** @throws DatabaseFault 500 if a part is not in the snapshots */
async function requireCoverage(
  server: Server,
  { circumstances, workload }: DatabaseContext,
): Promise<void> {
  const [parts, ofServer] = await Promise.all([
    mysqlParts(server.variables, server.files),
    mountsOfServersIn(server.variables.get('datadir') ?? '/'),
  ]).catch((error: unknown) => {
    throw new DatabaseFault(
      500,
      `the files of ${workload.name} cannot be looked at: ${String(error)}`,
    );
  });
  const placed = await placeParts(parts, circumstances, ofServer);
  const outside = partsOutside(placed, circumstances);
  if (outside.length > 0) {
    const where = describeParts(placed, outside);
    throw new DatabaseFault(500, `${workload.name} is not application consistent: ${where}`);
  }
}

async function hold(
  session: DatabaseSession,
  { isMariaDb, version, replication }: Server,
  context: DatabaseContext,
): Promise<HeldDatabase> {
  const { timeoutMs } = context.workload;
  const seconds = Math.max(1, Math.ceil(timeoutMs / 1_000));
  // After this long without a word the server ends the session, and with it the lock.
  await session.ask(
    `SET SESSION wait_timeout = ${seconds}, SESSION lock_wait_timeout = ${seconds}${isMariaDb ? `, SESSION max_statement_time = ${seconds}` : ''};`,
  );
  const { running, word } = replication;
  const threads = running.map((name) => threadOf(name, isMariaDb, word));
  const stages = isMariaDb && version >= BACKUP_STAGES_SINCE;
  const debt = await oweStarts(threads, context);
  const restart = async (): Promise<void> => {
    if (threads.length > 0) {
      await undo(debt, session);
    }
  };
  const heldFromNs = process.hrtime.bigint();
  try {
    for (const thread of threads) {
      await session.ask(`STOP ${thread};`);
    }
    await takeLocks(session, stages);
  } catch (error) {
    await restart().catch(noteFault(context));
    throw withStall(error, heldFromNs);
  }
  return {
    heldFromNs,
    release: async () => {
      try {
        session.allow(timeoutMs);
        await session.ask(stages ? 'BACKUP STAGE END;' : 'UNLOCK TABLES;', 504);
      } finally {
        await restart().finally(() => session.end());
      }
    },
  };
}

/** Who wants to write waits behind a lock that is waited for, too. */
function withStall(error: unknown, fromNs: bigint): unknown {
  const seconds = (Number(process.hrtime.bigint() - fromNs) / 1e9).toFixed(1);
  return error instanceof DatabaseFault && error.code === 510
    ? new DatabaseFault(510, `${error.message}; writers may have waited behind it for ${seconds} s`)
    : error;
}

/** The end of the session ends its locks, but does not start a thread. */
async function oweStarts(
  threads: readonly string[],
  context: DatabaseContext,
): Promise<PendingUndo> {
  const pending: PendingStatements = {
    kind: 'statements',
    workloadPath: context.workload.path,
    statements: threads.map((thread) => `START ${thread};`),
  };
  return {
    pending,
    markDone: await context.circumstances.addPending(threads.length === 0 ? [] : [pending]),
    connect: async () => connectMysql(forFreshSession(context)),
  };
}

async function takeLocks(session: DatabaseSession, stages: boolean): Promise<void> {
  if (stages) {
    await session.ask('BACKUP STAGE START;');
    await session.ask('BACKUP STAGE BLOCK_COMMIT;');
  } else {
    await session.ask('FLUSH TABLES WITH READ LOCK;');
  }
  // With innodb_flush_log_at_trx_commit other than 1 the last commits are only in memory.
  await session.ask('FLUSH NO_WRITE_TO_BINLOG ENGINE LOGS;');
}

function threadOf(name: string, isMariaDb: boolean, word: Replication['word']): string {
  const quoted = `'${name.replaceAll("'", "''")}'`;
  if (isMariaDb) {
    return name === '' ? 'SLAVE SQL_THREAD' : `SLAVE ${quoted} SQL_THREAD`;
  }
  const channel = name === '' ? '' : ` FOR CHANNEL ${quoted}`;
  return `${word} SQL_THREAD${channel}`;
}
