import { readWorkload } from '../../config/workload.ts';
import type { CleanupResult, PendingStatements } from '../quiesce-types.ts';
import { lookUpAccount } from './account.ts';
import { DatabaseFault } from './fault.ts';
import { connectMysql } from './mysql.ts';
import { logOnToOracle } from './oracle.ts';
import type { DatabaseSession } from './session.ts';
import { tellAfresh } from './undo.ts';

/** Undoes what a session that died could not. */
export async function runPendingStatements(pending: PendingStatements): Promise<CleanupResult> {
  const { left, fault } = await tellAfresh(() => connect(pending), pending.statements);
  const shown = pending.statements.join(' ');
  if (left.length === 0) {
    const remark = fault === undefined ? '' : `; ${fault.message}`;
    return {
      sentence: `ran "${shown}" in the database, which that run had left undone${remark}`,
      left: undefined,
    };
  }
  return {
    sentence: `cannot run "${left.join(' ')}" in the database, which that run had left undone: ${fault?.message} (${fault?.code}); the next command will retry`,
    left: { ...pending, statements: left },
  };
}

async function connect({ workloadPath, instance }: PendingStatements): Promise<DatabaseSession> {
  const workload = readWorkload(workloadPath);
  if (workload === undefined || !workload.ok) {
    throw new DatabaseFault(501, workload?.message ?? `${workloadPath} names no database`);
  }
  const account = await lookUpAccount(workload.user, undefined, workload.timeoutMs);
  const context = { workload, account, onSession: () => {} };
  return instance === undefined ? connectMysql(context) : await logOnToOracle(instance, context);
}
