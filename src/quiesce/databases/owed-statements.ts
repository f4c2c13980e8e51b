import { readWorkload } from '../../config/workload.ts';
import type { OwedStatements } from '../model.ts';
import { lookUpAccount } from './account.ts';
import { DatabaseFault } from './fault.ts';
import { connectMysql } from './mysql.ts';
import { logOnToOracle } from './oracle.ts';
import type { DatabaseSession } from './session.ts';

/** Undoes what a session that died could not. @returns a sentence for people */
export async function runOwedStatements(owed: OwedStatements): Promise<string> {
  const shown = owed.statements.join(' ');
  try {
    const session = await connect(owed);
    try {
      for (const statement of owed.statements) {
        await session.ask(statement, 504);
      }
    } finally {
      await session.end();
    }
    return `its database was told "${shown}", which was still owed`;
  } catch (error) {
    if (!(error instanceof DatabaseFault)) {
      throw error;
    }
    return `its database is still owed "${shown}", and that failed: ${error.message} (${error.code})`;
  }
}

async function connect({ workloadPath, instance }: OwedStatements): Promise<DatabaseSession> {
  const workload = readWorkload(workloadPath);
  if (workload === undefined || !workload.ok) {
    throw new DatabaseFault(501, workload?.message ?? `${workloadPath} names no database`);
  }
  const account = await lookUpAccount(workload.user, undefined, workload.timeoutMs);
  const context = { workload, account, onSession: () => {} };
  return instance === undefined ? connectMysql(context) : await logOnToOracle(instance, context);
}
