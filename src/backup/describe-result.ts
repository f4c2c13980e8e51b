import type { RunContext } from './context.ts';
import { judge, type Outcome } from './outcome.ts';
import type { Prepared } from './prepare.ts';
import type { BackupRecord } from './record.ts';
import { resultTags } from './result-tags.ts';
import { storeManifest } from './store-manifest.ts';

/**
 * Stores beside the snapshots what they turned out to be, after the thaw. Never fails: what cannot be stored is a warning.
 */
export async function describeResult(
  context: RunContext,
  prepared: Pick<Prepared, 'provider' | 'preflights' | 'targets'>,
  record: BackupRecord,
): Promise<void> {
  const outcome = judge(record);
  const both = await Promise.allSettled([
    tagResult(context, prepared.provider, record, outcome),
    storeManifest(context, prepared, record, outcome),
  ]);
  for (const one of both) {
    if (one.status === 'rejected') {
      context.warn(
        `the result of this run could not be stored beside its snapshots: ${one.reason}`,
      );
    }
  }
}

async function tagResult(
  context: Pick<RunContext, 'warn'>,
  { tagSnapshots }: Prepared['provider'],
  record: BackupRecord,
  outcome: Outcome,
): Promise<void> {
  const wanted = tagSnapshots === undefined ? [] : resultTags(record, outcome);
  const failed = ((await tagSnapshots?.(wanted)) ?? []).flatMap((reason, index) =>
    reason === undefined ? [] : [`${wanted[index]?.snapshot} (${reason})`],
  );
  if (failed.length > 0) {
    context.warn(
      `the result of this run could not be added to the tags of ${failed.length} of ${wanted.length} snapshots: ${failed.slice(0, 3).join(', ')}${failed.length > 3 ? ', …' : ''}. The snapshots themselves are not affected`,
    );
  }
}
