import { writeFile } from 'node:fs/promises';
import type { RunObserver } from '../request.ts';
import { forget, GRACE_PERIODS_PATH, type UnfinishedRun, unfinishedRuns } from './journal.ts';
import { settleOwedScripts } from './owed.ts';
import { thawAnyones } from './thaw-anyones.ts';

/**
 * Looks after runs that died between freeze and thaw: makes certain that their file systems are
 * thawed, says what was found, forgets them. The guardian has normally thawed long before; this is
 * for the case that both were killed. Then runs the post-scripts that are still owed.
 *
 * @param warn hears one sentence for each run
 */
export async function recover(warn: RunObserver['warn'], directory?: string): Promise<void> {
  for (const run of await unfinishedRuns(directory)) {
    warn(await lookAfter(run));
  }
  await settleOwedScripts(warn);
}

async function lookAfter(run: UnfinishedRun): Promise<string> {
  const results = await thawAnyones(run.fileSystems);
  await restoreGracePeriods(run);
  const thawed = results.filter((it) => it.state === 'thawed');
  const stuck = results.filter((it) => it.state === 'failed');
  if (stuck.length === 0) {
    await forget(run);
  }
  const names = (list: typeof results): string => list.map((it) => it.mountPoint).join(', ');
  return [
    `A run that began ${run.begun} (process ${run.process.pid}) died between freeze and thaw`,
    thawed.length === 0 ? 'nothing was frozen any more' : `thawed now: ${names(thawed)}`,
    ...(stuck.length === 0 ? [] : [`could not be thawed: ${names(stuck)}`]),
  ].join('; ');
}

/** Where the file cannot be written it was not the run that expedited them. */
async function restoreGracePeriods({ gracePeriods }: UnfinishedRun): Promise<void> {
  if (gracePeriods === '0' || gracePeriods === '1') {
    await writeFile(GRACE_PERIODS_PATH, gracePeriods).catch(() => {});
  }
}
