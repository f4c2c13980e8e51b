import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ResultCode } from '../../result-codes.ts';
import { errnoOf } from '../../system/errno.ts';
import { earliest } from '../../system/stamps.ts';
import type { PendingStatements } from '../quiesce-types.ts';
import { findClient } from './client-program.ts';
import type { Dialect } from './client-session.ts';
import { DatabaseFault } from './fault.ts';
import { describeParts, partsWithoutSnapshot, placeParts } from './file-locations.ts';
import type { ConnectionContext, DatabaseContext, HeldDatabase } from './held-database.ts';
import { type OracleInstance, parseOratab } from './oratab.ts';
import { DatabaseSession } from './session.ts';
import { forFreshSession, noteFault, type PendingUndo, undo } from './undo.ts';

/** ORA-28002 and ORA-28011 warn at a successful logon of a password or account that is about to expire. */
const ERROR = /^\s*(?!ORA-28002|ORA-28011)((?:ORA|SP2|TNS)-\d+.*)$/;
/** Killed, not logged on, instance terminated, idle for too long, end of file, not connected, lost contact. */
const LOST = /^ORA-(?:00028|01012|01092|02396|03113|03114|03135)\b/;
const SQLPLUS: Dialect = {
  isLost: (complaint) => LOST.test(complaint),
  markLine: (mark) => `PROMPT ${mark}`,
  errorIn: ({ lines, complaint }) =>
    [...lines, ...complaint.split('\n')].map((line) => ERROR.exec(line)?.[1]).find(Boolean),
};

/** Nothing but the values: no headings, no page breaks, no "n rows selected". */
const SETTINGS =
  'SET HEADING OFF PAGESIZE 0 FEEDBACK OFF VERIFY OFF ECHO OFF LINESIZE 1000 TRIMOUT ON TAB OFF';

const END_BACKUP = 'ALTER DATABASE END BACKUP;';

/** What must be the same before and after. */
interface State {
  /** V$INSTANCE.STATUS; `DOWN` where the instance is not started. */
  readonly status: string;
  /** V$DATABASE.LOG_MODE; empty if it is not mounted. */
  readonly logMode: string;
}

/**
 * Quiesces every instance, all at once; if one cannot be, none is held. An open database in ARCHIVELOG
 * mode is put into its backup mode; one that is not open is consistent as it lies.
 */
export async function holdOracle(context: DatabaseContext): Promise<HeldDatabase> {
  const instances = await instancesOf(context);
  const results = await Promise.allSettled(
    instances.map((instance) => holdInstance(instance, context)),
  );
  const held = results.flatMap((it) => (it.status === 'fulfilled' ? [it.value] : []));
  const failed = results.find((it) => it.status === 'rejected');
  if (failed !== undefined) {
    await releaseAll(held).catch(() => {});
    throw failed.reason;
  }
  return {
    heldFromNs: earliest(held.map(({ heldFromNs }) => heldFromNs)),
    release: () => releaseAll(held),
  };
}

/** All of them, whichever fail; then the first failure. */
async function releaseAll(held: readonly HeldDatabase[]): Promise<void> {
  const releases = held.map((each) => each.release());
  await Promise.allSettled(releases);
  await Promise.all(releases);
}

async function instancesOf({ workload }: DatabaseContext): Promise<OracleInstance[]> {
  if (workload.instancesPath === '') {
    return [{ sid: workload.databases[0] ?? '', home: '' }];
  }
  let text: string;
  try {
    text = await readFile(workload.instancesPath, 'utf8');
  } catch (error) {
    const reason = errnoOf(error) ?? 'error';
    throw new DatabaseFault(
      501,
      `configuration_path = ${workload.instancesPath} cannot be read (${reason})`,
    );
  }
  const instances = parseOratab(text);
  if (instances.length === 0) {
    throw new DatabaseFault(
      501,
      `configuration_path = ${workload.instancesPath} names no database; expected lines of SID:ORACLE_HOME:Y`,
    );
  }
  return instances;
}

async function holdInstance(
  instance: OracleInstance,
  context: DatabaseContext,
): Promise<HeldDatabase> {
  const session = await logOnToOracle(instance, context);
  try {
    const state = await stateOf(session);
    return await hold(session, state, instance, context);
  } catch (error) {
    session.kill();
    await session.end();
    throw error;
  }
}

/** @throws DatabaseFault if it is not let in */
export async function logOnToOracle(
  instance: OracleInstance,
  context: ConnectionContext,
): Promise<DatabaseSession> {
  const session = connect(instance, context);
  try {
    await session.ask(SETTINGS, 500);
    await logOn(session, context.workload.credentials.join(' '));
    return session;
  } catch (error) {
    session.kill();
    await session.end();
    throw error;
  }
}

/**
 * Where no logon is named, as the operating system's account: with the privilege that is meant for backups, which
 * is all that an account in the group of OSBACKUPDBA alone has, else with the only one that 11g knows.
 */
async function logOn(session: DatabaseSession, logon: string): Promise<void> {
  // The password in it must not be shown.
  const connect = async (as: string): Promise<unknown> =>
    session.ask(`CONNECT ${as}`, 506, 'CONNECT');
  if (logon !== '') {
    await connect(logon);
    return;
  }
  try {
    await connect('/ AS SYSBACKUP');
  } catch (error) {
    if (session.isOver) {
      throw error;
    }
    await connect('/ AS SYSDBA');
  }
}

function connect({ sid, home }: OracleInstance, context: ConnectionContext): DatabaseSession {
  const { workload, account } = context;
  const directory = workload.commandPath || (home === '' ? '' : join(home, 'bin'));
  const program = findClient(directory, ['sqlplus']);
  const oracleHome = home || join(program, '../..');
  const session = new DatabaseSession(
    `Oracle ${sid}`.trim(),
    {
      program,
      // Without a logon in its arguments, where everybody could read the password.
      args: ['-S', '/nolog'],
      environment: {
        ...(sid === '' ? {} : { ORACLE_SID: sid }),
        ORACLE_HOME: oracleHome,
        LD_LIBRARY_PATH: join(oracleHome, 'lib'),
      },
      account,
    },
    SQLPLUS,
    codeOfRefusal,
    workload.timeoutMs,
  );
  context.onSession(session);
  return session;
}

/** ORA-01017 and relatives: not allowed in; ORA-01031: not allowed to. */
const NOT_ALLOWED = /^ORA-(?:01017|01031|01045|28000|28009)\b/;

function codeOfRefusal(reason: string, otherwise: ResultCode): ResultCode {
  return NOT_ALLOWED.test(reason) ? 505 : otherwise;
}

/** ORA-01034: there is no instance running. */
async function stateOf(session: DatabaseSession): Promise<State> {
  const status = await firstValue(session, 'SELECT STATUS FROM V$INSTANCE;').catch(
    (error: unknown) => {
      if (error instanceof DatabaseFault && error.message.includes('ORA-01034')) {
        return 'DOWN';
      }
      throw error;
    },
  );
  const isMounted = status === 'OPEN' || status === 'MOUNTED';
  return {
    status,
    logMode: isMounted ? await firstValue(session, 'SELECT LOG_MODE FROM V$DATABASE;') : '',
  };
}

async function firstValue(session: DatabaseSession, query: string): Promise<string> {
  return (await session.ask(query)).map((line) => line.trim()).find((line) => line !== '') ?? '';
}

async function hold(
  session: DatabaseSession,
  state: State,
  instance: OracleInstance,
  context: DatabaseContext,
): Promise<HeldDatabase> {
  const { sid } = instance;
  const isOpen = state.status.startsWith('OPEN');
  if (isOpen && state.logMode !== 'ARCHIVELOG') {
    throw new DatabaseFault(
      511,
      `Oracle ${sid} is open in ${state.logMode} mode: it can only be backed up consistently in ARCHIVELOG mode, or closed`,
    );
  }
  const backup = isOpen ? await beginBackup(session, instance, context) : undefined;
  return {
    heldFromNs: backup?.heldFromNs,
    release: async () => {
      try {
        session.allow(context.workload.timeoutMs);
        await backup?.end();
        requireUnchanged(sid, state, await stateOf(session));
      } finally {
        await session.end();
      }
    },
  };
}

/** Backup mode, which the end of the session does not end. */
async function beginBackup(
  session: DatabaseSession,
  instance: OracleInstance,
  context: DatabaseContext,
): Promise<{ readonly heldFromNs: bigint; readonly end: () => Promise<void> }> {
  await requireCoverage(session, instance.sid, context.circumstances);
  const pending: PendingStatements = {
    kind: 'statements',
    workloadPath: context.workload.path,
    instance,
    statements: [END_BACKUP],
  };
  const unanswered: PendingStatements = { ...pending, mayBeginLater: true };
  const markDone = await context.circumstances.addPending([unanswered]);
  const connect = (): Promise<DatabaseSession> => logOnToOracle(instance, forFreshSession(context));
  const debt: PendingUndo = { pending: unanswered, markDone, connect };
  const heldFromNs = process.hrtime.bigint();
  try {
    await session.ask('ALTER DATABASE BEGIN BACKUP;');
  } catch (error) {
    // Refused is not begun: a backup mode that there is then (ORA-01146) was begun by another tool.
    await (session.isOver ? undo(debt, session).catch(noteFault(context)) : markDone());
    throw error;
  }
  return {
    heldFromNs,
    end: async () => {
      await undo({ ...debt, pending }, session);
      await session.ask('ALTER SYSTEM ARCHIVE LOG CURRENT;', 504);
    },
  };
}

/** Redo and archive logs make good what lies elsewhere, but not data files that no snapshot holds. */
async function requireCoverage(
  session: DatabaseSession,
  sid: string,
  circumstances: DatabaseContext['circumstances'],
): Promise<void> {
  const lines = await session.ask('SELECT NAME FROM V$DATAFILE;');
  const files = lines.map((line) => line.trim()).filter((line) => line !== '');
  const placed = await placeParts(
    files.map((path) => ({ what: 'the data file', path })),
    circumstances,
  );
  const outside = partsWithoutSnapshot(placed, circumstances);
  if (outside.length > 0) {
    throw new DatabaseFault(
      500,
      `Oracle ${sid} is not application consistent: ${describeParts(outside, outside)}`,
    );
  }
}

function requireUnchanged(sid: string, before: State, after: State): void {
  if (before.logMode !== after.logMode) {
    throw new DatabaseFault(
      512,
      `the log mode of Oracle ${sid} changed from ${before.logMode} to ${after.logMode} meanwhile`,
    );
  }
  if (before.status !== after.status) {
    throw new DatabaseFault(
      508,
      `the status of Oracle ${sid} changed from ${before.status} to ${after.status} meanwhile`,
    );
  }
}
