import type { MarkDone, PendingStatements } from '../quiesce-types.ts';
import { DatabaseFault } from './fault.ts';
import type { ConnectionContext, DatabaseContext } from './held-database.ts';
import type { DatabaseSession } from './session.ts';

/** A server that lives answers a fresh session at once, and a run that is to end waits for it. */
const FRESH_SESSION_LIMIT_MS = 10_000;

/**
 * There is nothing to undo, or not any more. ORA-01142: no file is in backup mode; 1200, 1617,
 * 3074: the server is no replica any more, or has no such connection or channel.
 */
const NOTHING_TO_UNDO = /\bORA-01142\b|\bERROR (?:1200|1617|3074)\b/;

/** How statements fared. */
export interface Undone {
  /** The statements that are still pending. */
  readonly left: readonly string[];
  /** The statements that found nothing to undo. */
  readonly unneeded: readonly string[];
  /** What went wrong first; also if no statement is pending because there was nothing to undo. */
  readonly fault: DatabaseFault | undefined;
}

/** What does not end with the session that has begun it, and how to undo it. */
export interface PendingUndo {
  readonly pending: PendingStatements;
  /** Of the note about it. */
  readonly markDone: MarkDone;
  /** Opens a fresh session. Throws DatabaseFault. */
  readonly connect: () => Promise<DatabaseSession>;
}

/**
 * Undoes it through the session that has begun it; what that cannot do, because it has ended or was killed,
 * through a fresh one. What even that cannot do stays pending for the next command.
 *
 * @throws DatabaseFault if it could not be undone, or another session had undone it
 */
export async function undo(
  { pending, markDone, connect }: PendingUndo,
  session: DatabaseSession,
): Promise<void> {
  const first = session.isOver ? undefined : await tell(session, pending.statements);
  const rest = first?.left ?? pending.statements;
  const undone = first !== undefined && rest.length === 0 ? first : await tellAfresh(connect, rest);
  const left = stillPending(pending, undone);
  await markDone(left === undefined ? [] : [left]);
  const { fault } = undone;
  if (fault !== undefined) {
    throw fault;
  }
}

/** What the next command has to do. If nothing was found to undo twice, it is done. Pure. */
export function stillPending(
  pending: PendingStatements,
  { left, unneeded }: Undone,
): PendingStatements | undefined {
  const { mayBeginLater, ...begun } = pending;
  if (left.length > 0) {
    return { ...pending, statements: left };
  }
  return mayBeginLater === true && unneeded.length > 0
    ? { ...begun, statements: unneeded }
    : undefined;
}

/** Opens a session that no abort ends, within 10 s. */
export function forFreshSession({ workload, account }: ConnectionContext): ConnectionContext {
  const timeoutMs = Math.min(workload.timeoutMs, FRESH_SESSION_LIMIT_MS);
  return { workload: { ...workload, timeoutMs }, account, onSession: () => {} };
}

/** For a failure beside another one, which is told anyway. */
export function noteFault({ circumstances }: DatabaseContext): (error: unknown) => void {
  return (error) => circumstances.note(faultOf(error).message);
}

/** Through a session of their own. */
export async function tellAfresh(
  connect: () => Promise<DatabaseSession>,
  statements: readonly string[],
): Promise<Undone> {
  try {
    const session = await connect();
    try {
      return await tell(session, statements);
    } finally {
      await session.end();
    }
  } catch (error) {
    return { left: statements, unneeded: [], fault: faultOf(error) };
  }
}

/** All of them, whichever fail. */
async function tell(session: DatabaseSession, statements: readonly string[]): Promise<Undone> {
  const left: string[] = [];
  const unneeded: string[] = [];
  const faults: DatabaseFault[] = [];
  for (const statement of statements) {
    try {
      await session.ask(statement, 504);
    } catch (error) {
      const fault = faultOf(error);
      faults.push(fault);
      (NOTHING_TO_UNDO.test(fault.message) ? unneeded : left).push(statement);
    }
  }
  return { left, unneeded, fault: faults[0] };
}

function faultOf(error: unknown): DatabaseFault {
  if (error instanceof DatabaseFault) {
    return error;
  }
  throw error;
}
