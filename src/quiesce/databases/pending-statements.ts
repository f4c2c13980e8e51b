import { readWorkload } from '../../config/workload.ts';
import { Redaction } from '../../log/redaction.ts';
import type { CleanupResult, PendingStatements } from '../quiesce-types.ts';
import { lookUpAccount } from './account.ts';
import { passwordsIn } from './credentials.ts';
import { DatabaseFault } from './fault.ts';
import { connectMysql } from './mysql.ts';
import { logOnToOracle } from './oracle.ts';
import type { DatabaseSession } from './session.ts';
import { stillPending, tellAfresh, type Undone } from './undo.ts';

/** Undoes what a session that died could not. */
export async function runPendingStatements(pending: PendingStatements): Promise<CleanupResult> {
  const redaction = new Redaction();
  const undone = await tellAfresh(() => connect(pending, redaction), pending.statements);
  return {
    // A client may repeat what it was given.
    sentence: redaction.redact(describe(pending, undone)),
    left: stillPending(pending, undone),
  };
}

function describe(pending: PendingStatements, undone: Undone): string {
  const { left, fault } = undone;
  if (left.length > 0) {
    return `cannot run "${left.join(' ')}" in the database, which that run had left undone: ${fault?.message} (${fault?.code}); the next command will retry`;
  }
  const remark = fault === undefined ? '' : `; ${fault.message}`;
  const again =
    stillPending(pending, undone) === undefined
      ? ''
      : '; the database may still carry out what that run had begun, so the next command will run it once more';
  return `ran "${pending.statements.join(' ')}" in the database, which that run had left undone${remark}${again}`;
}

async function connect(
  { workloadPath, instance }: PendingStatements,
  redaction: Redaction,
): Promise<DatabaseSession> {
  const workload = readWorkload(workloadPath);
  if (workload === undefined || !workload.ok) {
    throw new DatabaseFault(501, workload?.message ?? `${workloadPath} names no database`);
  }
  for (const password of passwordsIn(workload.kind, workload.credentials)) {
    redaction.add(password);
  }
  const account = await lookUpAccount(workload.user, undefined, workload.timeoutMs);
  const context = { workload, account, onSession: () => {} };
  return instance === undefined ? connectMysql(context) : await logOnToOracle(instance, context);
}
