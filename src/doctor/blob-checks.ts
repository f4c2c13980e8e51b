import { failed, ok, warning } from './check.ts';
import type { BlobFacts, Check, MachineFacts } from './doctor-types.ts';

/** A SAS that ends sooner may end before a scheduled start or a retry. */
const SOON_MS = 15 * 60_000;

/** Whether a blob can be snapshotted now, and until when. Pure. */
export function checkBlob({ blob, problem, expires }: BlobFacts, now: Date): Check {
  if (problem !== undefined) {
    return failed('blob', `${blob}: ${problem}`, 'see the message; then check the SAS (sp=rw, se)');
  }
  if (expires === undefined) {
    return ok('blob', `${blob}: can be read; its SAS says no time`);
  }
  const minutes = Math.floor((expires.getTime() - now.getTime()) / 60_000);
  return expires.getTime() - now.getTime() < SOON_MS
    ? warning('blob', `${blob}: its SAS ends in ${minutes} minutes`, 'make a SAS that lasts longer')
    : ok('blob', `${blob}: can be read; its SAS ends ${expires.toISOString()}`);
}

/** Whether the blobs given are all of what is frozen, and of nothing else. Pure. */
export function checkSet({
  blobs,
  setProblems,
}: Pick<MachineFacts, 'blobs' | 'setProblems'>): Check[] {
  if (blobs.length === 0 || setProblems === undefined) {
    return [];
  }
  const remedy = 'see flashfreeze plan with the same blobs; correct the list';
  return setProblems.length === 0
    ? [ok('set', 'the blobs given are those of every disk that is frozen')]
    : setProblems.map((problem) => warning('set', problem, remedy));
}

/** `se` of a SAS URL; undefined where it has none, or none that is a time. */
export function expiryOf(url: string): Date | undefined {
  const text = URL.canParse(url) ? new URL(url).searchParams.get('se') : null;
  const time = new Date(text ?? Number.NaN);
  return Number.isNaN(time.getTime()) ? undefined : time;
}
