import type { RunContext } from './context.ts';
import { judge } from './outcome.ts';
import type { Prepared } from './prepare.ts';
import type { BackupRecord } from './record.ts';
import { resultTags } from './result-tags.ts';

/**
 * Stores beside the snapshots what they turned out to be, after the thaw. Never fails: what cannot be stored is a warning.
 */
export async function describeResult(
  context: Pick<RunContext, 'warn'>,
  { provider: { tagSnapshots } }: Pick<Prepared, 'provider'>,
  record: BackupRecord,
): Promise<void> {
  const wanted = tagSnapshots === undefined ? [] : resultTags(record, judge(record));
  const failed = ((await tagSnapshots?.(wanted)) ?? []).flatMap((reason, index) =>
    reason === undefined ? [] : [`${wanted[index]?.snapshot} (${reason})`],
  );
  if (failed.length > 0) {
    context.warn(
      `the result of this run could not be added to the tags of ${failed.length} of ${wanted.length} snapshots: ${failed.slice(0, 3).join(', ')}${failed.length > 3 ? ', …' : ''}. The snapshots themselves are not affected`,
    );
  }
}
