import { pathOfDisk } from '../filesystems/disks.ts';
import type { BackupRecord, FileSystemTimes, Orphan, TargetRecord } from './record.ts';
import { describeGap, isFault } from './whole-set/gap.ts';

/**
 * One sentence for each thing that went wrong in a run, for people; empty on success. Pure.
 *
 * @param diskIsConsistent for each disk whether its snapshot shows the common instant
 */
export function problemsOf(record: BackupRecord, diskIsConsistent: readonly boolean[]): string[] {
  return [
    ...problemOfEnd(record),
    ...record.orphans.map(problemOfOrphan),
    ...problemsOfApplication(record),
    ...record.fileSystems.flatMap((times, index) => problemOfThaw(record, times, index)),
    ...(isWorthJudging(record) ? record.gaps.filter(isFault).map(describeGap) : []),
    ...record.disks.flatMap((disk, index) => problemOfDisk(disk, diskIsConsistent[index] ?? false)),
  ];
}

/** Of a run that never froze everything nobody asks whether its set is whole. */
function isWorthJudging({ barrier, end }: BackupRecord): boolean {
  return barrier !== undefined && end.kind !== 'signal';
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
      return [`The guardian process ended during the freeze; ${whatWasThawed(record, ' at once')}`];
    case 'signal':
      return [`Ended by ${end.signal}; ${whatWasThawed(record, ' at once')}`];
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
    return `The time-out passed before every disk had answered; ${whatWasThawed(record, ' at once')}`;
  }
  // Between two waves none is stuck: those of the next wave were not begun any more.
  const notFrozen = [...record.fileSystems.keys()].filter(
    (index) => record.fileSystems[index]?.frozenNs === undefined,
  );
  const late = stuck.length > 0 ? stuck : notFrozen;
  const names = late.map((index) => mountPointOf(record, index)).join(', ');
  return `The time-out passed before ${names} had frozen; ${whatWasThawed(record)}`;
}

/** Nobody is told that all is well while a FIFREEZE has not returned: it may still freeze. */
function whatWasThawed(record: BackupRecord, how = ''): string {
  const { stillFrozen = [] } = record;
  if (stillFrozen.length === 0) {
    return `everything was thawed${how}.`;
  }
  const names = stillFrozen.map((index) => mountPointOf(record, index)).join(', ');
  return `${names} could not be thawed yet, and who writes there waits: the kernel has not ended the freeze or the thaw. The guardian goes on trying; end what the freeze waits for, then run \`flashfreeze thaw\`.`;
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

function problemOfDisk(
  { blob, device, answer, writes }: TargetRecord,
  consistent: boolean,
): string[] {
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
    const why = writes.kind === 'changed' ? describeWrites(writes.disks) : '.';
    return [`${name}: the snapshot ${snapshot} does not show the common instant${why}`, ...orphan];
  }
  return orphan;
}

function describeWrites(disks: readonly string[]): string {
  const names = disks.map(pathOfDisk).join(', ');
  return `: something that was not frozen wrote to ${names} meanwhile. Quiesce what uses that disk itself (a database on a raw disk, a file system that cannot be frozen, a swap file), or what moves data below its file systems.`;
}

function problemOfOrphan({ blob, snapshot, keptBecause }: Orphan): string {
  return keptBecause === undefined
    ? `${blob}: the snapshot ${snapshot} was taken before everything was frozen and has been deleted.`
    : `${blob}: the snapshot ${snapshot} was taken before everything was frozen and could not be deleted (${keptBecause}); delete it by hand.`;
}

function mountPointOf(record: BackupRecord, fileSystem: number): string {
  return record.plan.fileSystems[fileSystem]?.mountPoint ?? `file system ${fileSystem}`;
}
