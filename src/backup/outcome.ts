import type { GuardianReport } from '../freezer/guardian-report.ts';
import { verdictWith } from '../quiesce/decision.ts';
import { type Consistency, RESULTS, type ResultCode } from '../result-codes.ts';
import type { AbortReason } from '../system/abort.ts';
import { problemsOf } from './problems.ts';
import type { BackupRecord, FileSystemTimes, RunEnd, TargetRecord } from './record.ts';
import { disksToWatch, isAllFrozen } from './whole-set/behind.ts';
import { isFault, type SetGap, voidsSet } from './whole-set/describe-gap.ts';
import type { WindowRecord } from './window.ts';

/** The result of a run, for each disk and for the whole set. */
export interface Outcome {
  readonly consistency: Consistency;
  readonly code: ResultCode;
  readonly name: string;
  /** One sentence for each problem; empty on success. */
  readonly problems: readonly string[];
  /**
   * Whether every requested snapshot exists and is as consistent as requested: it shows the common instant, and the
   * set is whole; or, without a freeze, it is crash-consistent.
   */
  readonly isRestorable: boolean;
  /** For each disk: whether its snapshot provably shows the common instant. */
  readonly diskIsConsistent: readonly boolean[];
}

/**
 * Judges a run by its time stamps and by the results of FITHAW (design, law 5), not by the plan.
 */
export function judge(record: BackupRecord): Outcome {
  const diskIsConsistent = record.disks.map((disk) => isConsistent(record, disk));
  const ofDisks = consistencyOf(record, diskIsConsistent);
  const isLessThanAsked = ofDisks === 'crashConsistent' && record.plan.fileSystems.length > 0;
  const { consistency, code } = verdictWith(
    { consistency: ofDisks, code: codeOf(record, ofDisks) },
    record.application,
    isLessThanAsked,
  );
  return {
    consistency,
    code,
    name: RESULTS[code].name,
    problems: problemsOf(record, diskIsConsistent),
    isRestorable: consistency !== 'none' && !isLessThanAsked && isComplete(record),
    diskIsConsistent,
  };
}

function isComplete({ disks }: BackupRecord): boolean {
  return disks.every(({ answer }) => answer.snapshot !== undefined);
}

function isConsistent(record: BackupRecord, disk: TargetRecord): boolean {
  return (
    disk.answer.snapshot !== undefined &&
    wereHeld(record, disk) &&
    wasUnchanged(record, disk) &&
    !record.gaps.some((gap) => isFault(gap) && concerns(gap, disk))
  );
}

/**
 * Whether nothing wrote to the disk while its snapshot was taken: its counters prove it, or there are no counters and
 * all known file systems on it were frozen. If the disk is unknown, this must hold for every disk that it may be.
 */
function wasUnchanged(
  { plan, barrier }: BackupRecord,
  { answer, writes, fileSystems, behind }: TargetRecord,
): boolean {
  if (plan.fileSystems.length === 0 || behind.kind === 'command' || behind.kind === 'foreign') {
    return true;
  }
  switch (writes.kind) {
    case 'changed':
    case 'unread':
      return false;
    case 'unknown': {
      const disks = disksToWatch(behind);
      return (
        fileSystems.length > 0 && disks.length > 0 && disks.every((it) => isAllFrozen(plan, it))
      );
    }
    case 'unchanged': {
      const { firedNs, acknowledgedNs } = answer;
      return (
        firedNs !== undefined &&
        acknowledgedNs !== undefined &&
        barrier !== undefined &&
        writes.fromNs <= firedNs &&
        acknowledgedNs <= writes.toNs &&
        barrier.atNs <= writes.toNs
      );
    }
  }
}

/** Whether, because of a gap in the set, a disk's snapshot does not show the instant. */
function concerns(gap: SetGap, { blob, device, behind }: TargetRecord): boolean {
  switch (gap.kind) {
    case 'left-out':
      return gap.disk === undefined || gap.disk === device || behind.kind !== 'disk';
    case 'half':
    case 'moved':
      return gap.disks.some((disk) => disk === device) || behind.kind !== 'disk';
    case 'unseen':
    case 'not-read':
      return true;
    case 'foreign':
      return gap.blob === blob;
    case 'surplus':
      return gap.blobs.includes(blob);
    case 'host-answers':
    case 'missing-disks':
      return false;
  }
}

/**
 * True if the request left after the barrier or after this run had frozen the disk's file systems, and each of these
 * stayed frozen until after the answer and the barrier, whatever the answer was. A disk without file systems of the
 * plan only needs a snapshot that is younger than the barrier.
 */
export function wereHeld(record: BackupRecord, { answer, fileSystems }: TargetRecord): boolean {
  const { firedNs, acknowledgedNs } = answer;
  const { barrier } = record;
  if (firedNs === undefined || acknowledgedNs === undefined || barrier === undefined) {
    return false;
  }
  if (record.plan.fileSystems.length === 0) {
    // The run freezes nothing, so any instant of the requests will do.
    return true;
  }
  if (fileSystems.length === 0) {
    return firedNs >= barrier.atNs;
  }
  return fileSystems.every((index) => {
    const times = record.fileSystems[index];
    return times !== undefined && wasHeld(times, firedNs, acknowledgedNs, barrier.atNs);
  });
}

function wasHeld(
  times: FileSystemTimes,
  firedNs: bigint,
  acknowledgedNs: bigint,
  barrierNs: bigint,
): boolean {
  const { frozenNs, thawStartNs } = times;
  return (
    times.wasFrozen === true &&
    frozenNs !== undefined &&
    thawStartNs !== undefined &&
    frozenNs <= firedNs &&
    acknowledgedNs <= thawStartNs &&
    barrierNs <= thawStartNs
  );
}

/**
 * A whole set that was held frozen is still crash-consistent, like one without a freeze, if single disks do not show
 * the instant: something on them was not frozen, and it was or may have been written to.
 */
function consistencyOf(record: BackupRecord, diskIsConsistent: readonly boolean[]): Consistency {
  if (!isComplete(record) || record.gaps.some((gap) => isFault(gap) && voidsSet(gap))) {
    return 'none';
  }
  if (record.plan.fileSystems.length === 0) {
    return 'crashConsistent';
  }
  if (record.disks.length === 0 || !record.disks.every((disk) => wereHeld(record, disk))) {
    return 'none';
  }
  return diskIsConsistent.includes(false) ? 'crashConsistent' : 'fileSystemConsistent';
}

function codeOf(record: BackupRecord, consistency: Consistency): ResultCode {
  if (consistency !== 'none') {
    return 1;
  }
  return codeOfEnd(record) ?? codeOfDisks(record.disks) ?? 2;
}

function codeOfEnd({ end, barrier }: BackupRecord): ResultCode | undefined {
  switch (end.kind) {
    case 'freeze-failed':
    case 'thawed-by-others':
    case 'guardian-lost':
      return 121;
    case 'guardian-thawed':
      return 122;
    case 'deadline':
      // After the barrier the time ran out because of missing answers: the disks give the code.
      return barrier === undefined ? 122 : undefined;
    case 'signal':
      return 2;
    case 'completed':
      return undefined;
  }
}

function codeOfDisks(disks: readonly TargetRecord[]): ResultCode | undefined {
  const failures = disks.flatMap(({ answer }) => (answer.failure ? [answer.failure] : []));
  if (failures.length === 0) {
    return undefined;
  }
  const serviceCodes = failures.map(({ serviceCode }) => serviceCode);
  if (serviceCodes.includes('SnapshotOperationRateExceeded')) {
    return 173;
  }
  if (serviceCodes.includes('SnapshotCountExceeded')) {
    return 85;
  }
  if (failures.length < disks.length) {
    return 761;
  }
  const hostIsNotRunning = disks.every(({ answer }) => answer.host?.statusCode === 556);
  return hostIsNotRunning ? 556 : 76;
}

/**
 * Takes the guardian's thaws into the record. If the guardian had to thaw, this process was late or stopped: whatever
 * its own stamps say, the file systems were not held until the answers came. A run that had already ended before
 * everything was frozen, or by a signal, keeps that reason: the guardian only helped to end it.
 *
 * @param received the signal that this process has received by now. A shutdown ends the guardian by a signal, too, and
 *   the guardian may be the first to thaw; the signal is the reason all the same
 */
export function withGuardianReport<Window extends WindowRecord>(
  window: Window,
  report: Pick<GuardianReport, 'thawed' | 'reason'> | undefined,
  received: AbortReason | undefined,
): Window {
  const fileSystems = (report?.thawed ?? []).map(({ fileSystem }) => fileSystem);
  const end = endWithGuardian(window.end, fileSystems, report?.reason === 'signal', received);
  if (fileSystems.length === 0) {
    return end === window.end ? window : { ...window, end };
  }
  const wasFrozen = hadEnded(window.end) ? undefined : false;
  return {
    ...window,
    fileSystems: window.fileSystems.map((it, index) =>
      fileSystems.includes(index) ? { ...it, wasFrozen } : it,
    ),
    end,
  };
}

function endWithGuardian(
  end: RunEnd,
  thawed: readonly number[],
  wasSignalled: boolean,
  received: AbortReason | undefined,
): RunEnd {
  const isLost = end.kind === 'guardian-lost';
  if (hadEnded(end) || (thawed.length === 0 && !isLost)) {
    return end;
  }
  if (wasSignalled) {
    return received ?? { kind: 'guardian-lost' };
  }
  return thawed.length === 0 ? end : { kind: 'guardian-thawed', fileSystems: thawed };
}

function hadEnded(end: RunEnd): boolean {
  return (
    end.kind === 'signal' ||
    end.kind === 'freeze-failed' ||
    (end.kind === 'deadline' && end.stuck.length > 0)
  );
}
