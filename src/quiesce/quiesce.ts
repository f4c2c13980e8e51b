import { quiesceDatabase } from './databases/database.ts';
import { NothingQuiesced } from './nothing-quiesced.ts';
import type {
  MarkDone,
  PendingCleanup,
  QuiesceCircumstances,
  QuiescedApplication,
  QuiescePlan,
} from './quiesce-types.ts';
import { quiesceByScripts } from './scripts/scripts.ts';

/**
 * Quiesces what the configuration names. Resolves also if that failed: `course` says what follows.
 * The caller must call `resume`, whatever happens.
 */
export async function quiesce(
  plan: QuiescePlan,
  circumstances: QuiesceCircumstances,
): Promise<QuiescedApplication> {
  const { addPending, note } = circumstances;
  const own = {
    ...circumstances,
    addPending: async (pending: readonly PendingCleanup[]) =>
      forgiving(await addPending(pending), note),
  };
  switch (plan.kind) {
    case 'scripts':
      return await quiesceByScripts(plan, own);
    case 'database':
      return await quiesceDatabase(plan, own);
    case 'refused':
      return new NothingQuiesced('application', plan.findings);
  }
}

/** The application has been released by then: a note that remains is not a reason to lose the record. */
function forgiving(markDone: MarkDone, note: QuiesceCircumstances['note']): MarkDone {
  return async (left) => {
    try {
      await markDone(left);
    } catch (error) {
      note(
        `the note of pending clean-up could not be removed, so the next command will run that clean-up once more: ${String(error)}`,
      );
    }
  };
}
