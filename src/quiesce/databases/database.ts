import type { DatabaseKind } from '../../config/workload.ts';
import { courseAfter } from '../decision.ts';
import type {
  ApplicationRecord,
  DatabasePlan,
  Finding,
  QuiesceCircumstances,
  QuiescedApplication,
} from '../quiesce-types.ts';
import { lookUpAccount } from './account.ts';
import { DatabaseFault } from './fault.ts';
import type { HeldDatabase, HoldDatabase } from './held-database.ts';
import { holdMysql } from './mysql.ts';
import { holdOracle } from './oracle.ts';
import { holdPostgres } from './postgres.ts';

const HOLD: Readonly<Record<DatabaseKind, HoldDatabase>> = {
  postgres: holdPostgres,
  mysql: holdMysql,
  oracle: holdOracle,
};

/** Quiesces the database of the workload configuration; resolves also if that failed. */
export async function quiesceDatabase(
  plan: DatabasePlan,
  circumstances: QuiesceCircumstances,
): Promise<QuiescedApplication> {
  const run = new DatabaseRun(plan);
  await run.hold(circumstances);
  return run;
}

class DatabaseRun implements QuiescedApplication {
  readonly #plan: DatabasePlan;
  readonly #findings: Finding[] = [];
  #database: HeldDatabase | undefined;
  #resuming: Promise<void> | undefined;
  #releasedNs: bigint | undefined;

  constructor(plan: DatabasePlan) {
    this.#plan = plan;
  }

  get course(): QuiescedApplication['course'] {
    return courseAfter(this.#findings, this.#plan.freezeAfterAppSuccess);
  }

  get findings(): readonly Finding[] {
    return this.#findings;
  }

  async hold(circumstances: QuiesceCircumstances): Promise<void> {
    const { workload } = this.#plan;
    const sessions: { kill(): void }[] = [];
    const onAbort = (): void => {
      for (const session of sessions) {
        session.kill();
      }
    };
    circumstances.abort.addEventListener('abort', onAbort, { once: true });
    await this.#noting(async () => {
      const account = await lookUpAccount(workload.user, circumstances.abort, workload.timeoutMs);
      this.#database = await HOLD[workload.kind]({
        workload,
        account,
        circumstances,
        onSession: (session) => {
          sessions.push(session);
          if (circumstances.abort.aborted) {
            session.kill();
          }
        },
      });
    });
    circumstances.abort.removeEventListener('abort', onAbort);
  }

  resume(): Promise<void> {
    this.#resuming ??= this.#noting(async () => {
      try {
        await this.#database?.release();
      } finally {
        this.#releasedNs = process.hrtime.bigint();
      }
    });
    return this.#resuming;
  }

  record(): ApplicationRecord {
    const fromNs = this.#database?.heldFromNs;
    const toNs = this.#releasedNs;
    return {
      name: this.#plan.workload.name,
      findings: this.#findings,
      held: fromNs === undefined || toNs === undefined ? undefined : { fromNs, toNs },
    };
  }

  async #noting(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof DatabaseFault)) {
        throw error;
      }
      const { code, message } = error;
      this.#findings.push({ code, message, tolerated: this.#plan.freezeAfterAppFailure });
    }
  }
}
