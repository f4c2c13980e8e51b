import { verdictWith } from '../quiesce/decision.ts';
import { type Consistency, RESULTS, type ResultCode } from '../result-codes.ts';
import type { BackupRecord, FileSystemTimes, Orphan, TargetRecord } from './record.ts';

/** What a run is worth, disk by disk and as a whole. */
export interface Outcome {
  readonly consistency: Consistency;
  readonly code: ResultCode;
  readonly name: string;
  /** One sentence for each thing that went wrong; empty on success. */
  readonly problems: readonly string[];
  /** For each disk whether its snapshot provably shows the common instant. */
  readonly diskIsConsistent: readonly boolean[];
}

/**
 * Judges a run by its time stamps and by what FITHAW answered (design, law 5), not by what was meant
 * to happen.
 */
export function judge(record: BackupRecord): Outcome {
  const diskIsConsistent = record.disks.map((disk) => isConsistent(record, disk));
  const ofDisks = consistencyOf(record, diskIsConsistent);
  const { consistency, code } = verdictWith(
    { consistency: ofDisks, code: codeOf(record, ofDisks) },
    record.application,
  );
  return {
    consistency,
    code,
    name: RESULTS[code].name,
    problems: problemsOf(record, diskIsConsistent),
    diskIsConsistent,
  };
}

function isConsistent(record: BackupRecord, disk: TargetRecord): boolean {
  return disk.answer.snapshot !== undefined && wereHeld(record, disk);
}

/**
 * True where the request left after the barrier or after its file systems were frozen by us, and each
 * of these stayed frozen until after the answer and the barrier, whatever the answer was. A disk without
 * file systems of ours has nothing to hold still: there the snapshot has only to be younger than the barrier.
 */
export function wereHeld(record: BackupRecord, { answer, fileSystems }: TargetRecord): boolean {
  const { firedNs, acknowledgedNs } = answer;
  const { barrier } = record;
  if (firedNs === undefined || acknowledgedNs === undefined || barrier === undefined) {
    return false;
  }
  if (record.plan.fileSystems.length === 0) {
    // Nothing was to be held, and the requests' instant is as good as any.
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

function consistencyOf(record: BackupRecord, diskIsConsistent: readonly boolean[]): Consistency {
  const complete = record.disks.every(({ answer }) => answer.snapshot !== undefined);
  if (record.plan.fileSystems.length === 0) {
    return complete ? 'crashConsistent' : 'none';
  }
  const consistent = diskIsConsistent.length > 0 && !diskIsConsistent.includes(false);
  return consistent ? 'fileSystemConsistent' : 'none';
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
      // After the barrier the time ran out because of answers: the disks tell.
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

function problemsOf(record: BackupRecord, diskIsConsistent: readonly boolean[]): string[] {
  return [
    ...problemOfEnd(record),
    ...record.orphans.map(problemOfOrphan),
    ...problemsOfApplication(record),
    ...record.fileSystems.flatMap((times, index) => problemOfThaw(record, times, index)),
    ...record.disks.flatMap((disk, index) => problemOfDisk(disk, diskIsConsistent[index] ?? false)),
  ];
}

/** What is tolerated is told as a warning. */
function problemsOfApplication({ application }: BackupRecord): string[] {
  const grave = application?.findings.filter(({ tolerated }) => !tolerated) ?? [];
  return grave.map(
    ({ message, code }) =>
      `${message} (code ${code}); without the application no backup is wanted.`,
  );
}

function problemOfEnd(record: BackupRecord): string[] {
  const { end } = record;
  switch (end.kind) {
    case 'completed':
      return [];
    case 'freeze-failed':
      return [freezeProblem(mountPointOf(record, end.fileSystem), end.errno)];
    case 'deadline':
      return [deadlineProblem(record, end.stuck), ...record.findings];
    case 'thawed-by-others':
      return [
        `${mountPointOf(record, end.fileSystem)} was thawed by somebody else while it was frozen; the snapshots are not consistent.`,
      ];
    case 'guardian-thawed':
      return [
        'This process did not thaw in time (was it stopped?); the guardian did. The snapshots are not consistent.',
      ];
    case 'guardian-lost':
      return ['The guardian process ended during the freeze; everything was thawed at once.'];
    case 'signal':
      return [`Ended by ${end.signal}; everything was thawed at once.`];
  }
}

function freezeProblem(mountPoint: string, errno: string): string {
  if (errno === 'EBUSY') {
    return `${mountPoint} is already frozen by somebody else and was left as it is. End the other freeze (its tool, or \`fsfreeze -u\`), then try again.`;
  }
  if (errno === 'ECANCELED') {
    return `The freeze of ${mountPoint} was called off before it began, because the time was over or the guardian process gone. Try again.`;
  }
  if (errno === 'EPERM') {
    return `The kernel refused to freeze ${mountPoint}: EPERM. Root of the machine itself is needed (CAP_SYS_ADMIN), not of a container or user namespace.`;
  }
  if (errno === 'EOPNOTSUPP' || errno === 'ENOTTY') {
    return `The kernel refused to freeze ${mountPoint}: ${errno}. This file system cannot be frozen; leave it out with --skip ${mountPoint}.`;
  }
  return `The kernel refused to freeze ${mountPoint}: ${errno}.`;
}

function deadlineProblem(record: BackupRecord, stuck: readonly number[]): string {
  if (record.barrier !== undefined) {
    return 'The time-out passed before every disk had answered; everything was thawed at once.';
  }
  // Between two waves none is stuck: those of the next wave were not begun any more.
  const notFrozen = [...record.fileSystems.keys()].filter(
    (index) => record.fileSystems[index]?.frozenNs === undefined,
  );
  const late = stuck.length > 0 ? stuck : notFrozen;
  const names = late.map((index) => mountPointOf(record, index)).join(', ');
  return `The time-out passed before ${names} had frozen; everything was thawed.`;
}

function problemOfThaw(record: BackupRecord, times: FileSystemTimes, index: number): string[] {
  const mountPoint = mountPointOf(record, index);
  if (times.thawErrno !== undefined) {
    return [
      `Thawing ${mountPoint} failed with ${times.thawErrno}: check it with \`fsfreeze -u ${mountPoint}\`.`,
    ];
  }
  const alreadySaid =
    record.end.kind === 'guardian-thawed' ||
    (record.end.kind === 'thawed-by-others' && record.end.fileSystem === index);
  return times.wasFrozen === false && times.frozenNs !== undefined && !alreadySaid
    ? [`${mountPoint} was found thawed by somebody else: its snapshot is not consistent.`]
    : [];
}

function problemOfDisk({ blob, device, answer }: TargetRecord, consistent: boolean): string[] {
  const name = device === undefined ? blob : `${device} (${blob})`;
  const { failure, snapshot, attempts } = answer;
  const orphan = answer.mayHaveOrphan
    ? [
        attempts === 1
          ? `${name}: the answer to its request was lost; a snapshot may exist all the same.`
          : `${name}: ${attempts} requests were sent and an answer was lost; a second snapshot may exist.`,
      ]
    : [];
  if (failure !== undefined) {
    // The host service names itself in what it did not answer.
    const isNamed = failure.message.startsWith(`${name}: `);
    return [isNamed ? failure.message : `${name}: ${failure.message}`, ...orphan];
  }
  if (snapshot !== undefined && !consistent) {
    return [`${name}: the snapshot ${snapshot} does not show the common instant.`, ...orphan];
  }
  return orphan;
}

function problemOfOrphan({ blob, snapshot, keptBecause }: Orphan): string {
  return keptBecause === undefined
    ? `${blob}: the snapshot ${snapshot} was taken before everything was frozen and has been deleted.`
    : `${blob}: the snapshot ${snapshot} was taken before everything was frozen and could not be deleted (${keptBecause}); delete it by hand.`;
}

function mountPointOf(record: BackupRecord, fileSystem: number): string {
  return record.plan.fileSystems[fileSystem]?.mountPoint ?? `file system ${fileSystem}`;
}
