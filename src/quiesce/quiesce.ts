import { quiesceDatabase } from './databases/database.ts';
import type { QuiesceCircumstances, QuiescedApplication, QuiescePlan } from './model.ts';
import { NothingQuiesced } from './nothing-quiesced.ts';
import { quiesceByScripts } from './scripts/scripts.ts';

/**
 * Quiesces what the configuration names. Resolves also where that failed: `course` says what follows.
 * Whoever calls it calls `resume`, whatever happens.
 */
export async function quiesce(
  plan: QuiescePlan,
  circumstances: QuiesceCircumstances,
): Promise<QuiescedApplication> {
  switch (plan.kind) {
    case 'scripts':
      return await quiesceByScripts(plan, circumstances);
    case 'database':
      return await quiesceDatabase(plan, circumstances);
    case 'refused':
      return new NothingQuiesced('application', plan.findings);
  }
}
