import type { Consistency, ResultCode } from '../result-codes.ts';
import type { ApplicationRecord, Course, Finding } from './quiesce-types.ts';

/** What follows when the application has been quiesced, or could not be. */
export function courseAfter(findings: readonly Finding[], freezeAfterSuccess: boolean): Course {
  if (findings.some(({ tolerated }) => !tolerated)) {
    return 'stop';
  }
  return findings.length > 0 || freezeAfterSuccess ? 'freeze' : 'no-freeze';
}

/** What the disks' snapshots are worth for themselves. */
export interface SnapshotVerdict {
  readonly consistency: Consistency;
  readonly code: ResultCode;
}

/**
 * What they are worth together with the application (app-consistency.md): application consistent only
 * if nothing at all went wrong; file-system consistent with the first finding's code as a warning
 * if that is tolerated, else nothing. A failed snapshot keeps its own code.
 *
 * @param isLessThanAsked file systems were frozen, but not every disk shows the instant: the application's data
 * may be on those
 */
export function verdictWith(
  snapshot: SnapshotVerdict,
  application: Pick<ApplicationRecord, 'findings'> | undefined,
  isLessThanAsked = false,
): SnapshotVerdict {
  if (application === undefined || snapshot.consistency === 'none') {
    return snapshot;
  }
  const { findings } = application;
  const grave = findings.find(({ tolerated }) => !tolerated);
  if (grave !== undefined) {
    return { consistency: 'none', code: grave.code };
  }
  const [first] = findings;
  if (first === undefined && isLessThanAsked) {
    return snapshot;
  }
  return first === undefined
    ? { consistency: 'applicationConsistent', code: 0 }
    : { consistency: snapshot.consistency, code: first.code };
}
