import { failed, ok, warning } from './check.ts';
import type { BlobFacts, Check, MachineFacts } from './doctor-types.ts';

/** A SAS that expires sooner may expire before a scheduled start or a retry. */
const SOON_MS = 15 * 60_000;

/** Whether a blob can be snapshotted now, and until when. Pure. */
export function checkBlob({ blob, problem, expires }: BlobFacts, now: Date): Check {
  if (problem !== undefined) {
    return failed(
      'blob',
      `${blob}: ${problem}`,
      'read the message; then check the SAS (sp=rw, se)',
    );
  }
  if (expires === undefined) {
    return ok('blob', `${blob}: can be read; its SAS names no expiry time`);
  }
  const minutes = Math.floor((expires.getTime() - now.getTime()) / 60_000);
  return expires.getTime() - now.getTime() < SOON_MS
    ? warning(
        'blob',
        `${blob}: its SAS expires in ${minutes} minutes`,
        'create a SAS that lasts longer',
      )
    : ok('blob', `${blob}: can be read; its SAS expires at ${expires.toISOString()}`);
}

/** Whether the given blobs are those of all disks that are frozen, and of no other disk. Pure. */
export function checkSet({
  blobs,
  setProblems,
}: Pick<MachineFacts, 'blobs' | 'setProblems'>): Check[] {
  if (blobs.length === 0 || setProblems === undefined) {
    return [];
  }
  const remedy = 'run flashfreeze plan with these blobs, and correct the list of blobs';
  return setProblems.length === 0
    ? [ok('set', 'the given blobs are those of all disks that are frozen')]
    : setProblems.map((problem) => warning('set', problem, remedy));
}
