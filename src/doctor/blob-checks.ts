import { failed, ok, warning } from './check.ts';
import type { BlobFacts, Check, MachineFacts, NextRun } from './doctor-types.ts';

/** A SAS that ends sooner may end before a scheduled start or a retry. */
const SOON_MS = 15 * 60_000;

/** Whether a blob can be snapshotted now and by the next run, and until when. Pure. */
export function checkBlob(
  { blob, problem, expires }: BlobFacts,
  now: Date,
  nextRun: NextRun | undefined,
): Check {
  if (problem !== undefined) {
    return failed('blob', `${blob}: ${problem}`, 'follow the message; check the SAS (sp=rc, se)');
  }
  if (expires === undefined) {
    return ok('blob', `${blob} answers; its SAS names no expiry time`);
  }
  const until = `its SAS expires at ${expires.toISOString()}`;
  const leftMs = expires.getTime() - now.getTime();
  if (nextRun !== undefined && expires.getTime() < nextRun.at.getTime() + SOON_MS) {
    return failed(
      'blob',
      `${blob}: ${until}, which is too early for the snapshot at ${nextRun.at.toISOString()} (${nextRun.by})`,
      'create a SAS that expires at least 15 minutes after that snapshot',
    );
  }
  return leftMs < SOON_MS
    ? warning(
        'blob',
        `${blob}: its SAS expires in ${Math.floor(leftMs / 60_000)} minutes`,
        'create a SAS that lasts longer',
      )
    : ok('blob', `${blob} answers; ${until}`);
}

/** Whether the given blobs are those of all disks that are frozen, and of no other disk. Pure. */
export function checkSet({ blobs, set }: Pick<MachineFacts, 'blobs' | 'set'>): Check[] {
  if (blobs.length === 0) {
    return [];
  }
  if (set === undefined) {
    return [
      warning(
        'set',
        'the blobs were not compared with the disks, because a blob or the file systems cannot be read',
        'fix the failed checks first',
      ),
    ];
  }
  const remedy = 'run flashfreeze plan with these blobs, and correct the list of blobs';
  return set.warnings.length === 0
    ? [ok('set', 'the given blobs are those of all disks that are frozen')]
    : set.warnings.map((it) => (set.faults.includes(it) ? failed : warning)('set', it, remedy));
}
