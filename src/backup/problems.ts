import { pathOfDisk } from '../filesystems/disks.ts';
import { describeForbidden, REMEDY_FOR_POLICY } from '../filesystems/security-policy.ts';
import { applicationsOfScripts } from '../quiesce/scripts/application-name.ts';
import type { SnapshotAnswer } from '../snapshot/snapshot-types.ts';
import { earliest, latest } from '../system/stamps.ts';
import type { BackupRecord, FileSystemTimes, Orphan, TargetRecord } from './record.ts';
import { describeGap, isFault } from './whole-set/describe-gap.ts';
import type { WindowRun } from './window-run.ts';

/**
 * One sentence for each problem of a run; empty on success. Pure.
 *
 * @param diskIsConsistent for each disk: whether its snapshot shows the common instant
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

/** Gaps are reported only if the run froze everything; otherwise the set is worthless anyway. */
function isWorthJudging({ barrier, end }: BackupRecord): boolean {
  return barrier !== undefined && end.kind !== 'signal';
}

/** Only findings that are not tolerated; the others are warnings. */
function problemsOfApplication({ application }: BackupRecord): string[] {
  const grave = application?.findings.filter(({ tolerated }) => !tolerated) ?? [];
  return grave.map(
    ({ message, code }) =>
      `${message} (code ${code}); the configuration does not permit a backup without the application.`,
  );
}

function problemOfEnd(record: BackupRecord): string[] {
  const { end } = record;
  switch (end.kind) {
    case 'completed':
      return [];
    case 'freeze-failed':
      return [freezeProblem(record, mountPointOf(record, end.fileSystem), end.errno)];
    case 'deadline':
      return [deadlineProblem(record, end.stuck), ...record.findings];
    case 'thawed-by-others':
      return [
        `${mountPointOf(record, end.fileSystem)} was thawed by another tool during the freeze; the snapshots are not consistent.`,
      ];
    case 'guardian-thawed':
      return [
        'The guardian thawed the file systems, because flashfreeze did not do so in time (was its process stopped?). The snapshots are not consistent.',
      ];
    case 'guardian-lost':
      return [`The guardian process ended during the freeze; ${whatWasThawed(record, ' at once')}`];
    case 'signal':
      return [`Ended by ${end.signal}; ${whatWasThawed(record, ' at once')}`];
  }
}

function freezeProblem({ application }: BackupRecord, mountPoint: string, errno: string): string {
  const haveScriptsRun =
    application?.held !== undefined && applicationsOfScripts(application.name) !== undefined;
  if (errno === 'EBUSY' && haveScriptsRun) {
    return `${mountPoint} is already frozen and was left frozen: by a pre-script of this run, or by another tool. flashfreeze freezes the file systems itself: remove fsfreeze or xfs_freeze from the pre-script, thaw with \`fsfreeze -u ${mountPoint}\`, then try again.`;
  }
  if (errno === 'EBUSY') {
    return `${mountPoint} is already frozen by another tool and was left frozen. End that freeze (with its tool, or with \`fsfreeze -u\`), then try again.`;
  }
  if (errno === 'ECANCELED') {
    return `The freeze of ${mountPoint} was cancelled before it began, because the time-out had passed or the guardian process had ended. Try again.`;
  }
  if (errno === 'EPERM') {
    return `The kernel refused to freeze ${mountPoint}: EPERM. Run flashfreeze as root of the machine itself (CAP_SYS_ADMIN), not of a container or user namespace.`;
  }
  if (errno === 'EACCES') {
    return `The freeze did not begin: ${describeForbidden([mountPoint])}. Do this: ${REMEDY_FOR_POLICY}.`;
  }
  if (errno === 'EOPNOTSUPP' || errno === 'ENOTTY') {
    return `The kernel refused to freeze ${mountPoint}: ${errno}. The file system does not support freezing; leave it out with --skip ${mountPoint}.`;
  }
  if (errno === 'EIO' || errno === 'EROFS') {
    return `The kernel refused to freeze ${mountPoint}: ${errno}. The file system, or the disk below it, has just failed; look at the kernel log. Try again: a run leaves out what the kernel has shut down. If it is still refused then, leave it out with --skip ${mountPoint}.`;
  }
  return `The kernel refused to freeze ${mountPoint}: ${errno}.`;
}

function deadlineProblem(record: BackupRecord, stuck: readonly number[]): string {
  if (record.barrier !== undefined) {
    return `The time-out passed before every disk had answered; ${whatWasThawed(record, ' at once')}`;
  }
  // Between two waves none is stuck: the freeze of the next wave has not begun.
  const notFrozen = [...record.fileSystems.keys()].filter(
    (index) => record.fileSystems[index]?.frozenNs === undefined,
  );
  const late = stuck.length > 0 ? stuck : notFrozen;
  const names = late.map((index) => mountPointOf(record, index)).join(', ');
  return `The time-out passed before ${names} had frozen; ${whatWasThawed(record)}`;
}

/** Does not report success while a FIFREEZE has not returned: it may still freeze. */
function whatWasThawed(record: BackupRecord, how = ''): string {
  const { stillFrozen = [] } = record;
  if (stillFrozen.length === 0) {
    return `everything was thawed${how}.`;
  }
  const names = stillFrozen.map((index) => mountPointOf(record, index)).join(', ');
  return `${names} could not be thawed yet, and processes that write there are blocked: the kernel has not finished the freeze or the thaw. The guardian keeps trying. End the processes that the freeze waits for, then run \`flashfreeze thaw\`.`;
}

function problemOfThaw(record: BackupRecord, times: FileSystemTimes, index: number): string[] {
  const mountPoint = mountPointOf(record, index);
  if (times.thawErrno !== undefined) {
    return [
      `Thawing ${mountPoint} failed with ${times.thawErrno}. Check it with \`fsfreeze -u ${mountPoint}\`.`,
    ];
  }
  const alreadySaid =
    record.end.kind === 'guardian-thawed' ||
    (record.end.kind === 'thawed-by-others' && record.end.fileSystem === index);
  return times.wasFrozen === false && times.frozenNs !== undefined && !alreadySaid
    ? [`${mountPoint} was thawed by another tool: its snapshot is not consistent.`]
    : [];
}

function orphanText({ attempts, orphan }: SnapshotAnswer): string {
  if (orphan !== undefined) {
    return `it is not known what became of its request; ${orphan} may exist, or come to exist: delete it then.`;
  }
  return attempts === 1
    ? 'the answer to its request was lost; a snapshot may exist.'
    : `${attempts} requests were sent and an answer was lost; a second snapshot may exist.`;
}

function problemOfDisk(
  { blob, device, answer, writes }: TargetRecord,
  consistent: boolean,
): string[] {
  const name = nameOfDisk({ device, blob });
  const { failure, snapshot } = answer;
  const orphan = answer.mayHaveOrphan ? [`${name}: ${orphanText(answer)}`] : [];
  if (failure !== undefined) {
    // A failure of the host service already begins with its name.
    const isNamed = failure.message.startsWith(`${name}: `);
    return [isNamed ? failure.message : `${name}: ${failure.message}`, ...orphan];
  }
  if (snapshot !== undefined && !consistent) {
    const why = writes.kind === 'changed' ? describeWrites(writes.disks) : '.';
    return [`${name}: the snapshot ${snapshot} does not show the common instant${why}`, ...orphan];
  }
  return orphan;
}

/** One sentence for each disk whose snapshot request held the writers noticeably longer than usual. Pure. */
export function patienceWarnings(disks: readonly TargetRecord[]): string[] {
  return disks.flatMap((disk) => {
    const { patience } = disk.answer;
    return patience === undefined
      ? []
      : [
          `${nameOfDisk(disk)}: its writers were held ${(patience.usedMs / 1_000).toFixed(1)} s beyond the usual, because its snapshot request waited for ${patience.waitedFor}`,
        ];
  });
}

/** The runtime's own threads may take this share of the window, and this much, before it is worth a remark. */
const RUNTIME_SHARE = 0.2;
const RUNTIME_MS = 10;

/**
 * A sentence if the runtime's own threads (compiler, garbage collector) took noticeable processor time from the window.
 * Pure.
 */
export function runtimeRemarks({ threads, fileSystems }: ThreadsAndWindows): string[] {
  const ranMs = threads.find(({ role }) => role === 'runtime')?.runMs ?? 0;
  const startNs = earliest(fileSystems.map(({ freezeStartNs }) => freezeStartNs));
  const endNs = latest(fileSystems.map(({ thawedNs }) => thawedNs));
  const windowMs = startNs === undefined || endNs === undefined ? 0 : Number(endNs - startNs) / 1e6;
  return ranMs <= RUNTIME_MS || ranMs <= windowMs * RUNTIME_SHARE
    ? []
    : [
        `threads of Node.js itself (compiler, garbage collector) ran for ${ranMs.toFixed(1)} ms in a window of ${windowMs.toFixed(1)} ms and may have made it longer`,
      ];
}

type ThreadsAndWindows = Pick<WindowRun, 'threads' | 'fileSystems'>;

/** One sentence for each managed disk whose snapshot is not finished, or could not be read, after the thaw. Pure. */
export function managedWarnings(disks: readonly TargetRecord[]): string[] {
  return disks.flatMap((disk) => {
    const { managed, snapshot } = disk.answer;
    if (managed === undefined || snapshot === undefined) {
      return [];
    }
    const { isRead, completionPercent = 100, accessState } = managed;
    if (!isRead) {
      return [
        `${nameOfDisk(disk)}: the operation succeeded, but the snapshot ${snapshot} could not be read afterwards`,
      ];
    }
    const state = accessState === undefined ? '' : `, state ${accessState}`;
    return completionPercent < 100
      ? [
          `${nameOfDisk(disk)}: Azure still copies the data of the snapshot in the background (${completionPercent} %${state}); a disk can be made of it when that has ended. Until then keep the source disk, and do not resize it`,
        ]
      : [];
  });
}

function nameOfDisk({ device, blob }: Pick<TargetRecord, 'device' | 'blob'>): string {
  return device === undefined ? blob : `${device} (${blob})`;
}

function describeWrites(disks: readonly string[]): string {
  const names = disks.map(pathOfDisk).join(', ');
  return `: something that was not frozen wrote to ${names} during the snapshot. Quiesce whatever writes to that disk directly (a database on a raw disk, a file system that cannot be frozen, a swap file) or moves data below its file systems.`;
}

const WHY_USELESS =
  'it was taken before everything was frozen, by a request that was sent twice, or by one that did not end in time';

function problemOfOrphan({ blob, snapshot, keptBecause }: Orphan): string {
  return keptBecause === undefined
    ? `${blob}: the snapshot ${snapshot} does not belong to the set (${WHY_USELESS}) and has been deleted.`
    : `${blob}: the snapshot ${snapshot} does not belong to the set (${WHY_USELESS}) and could not be deleted (${keptBecause}); delete it manually.`;
}

function mountPointOf(record: BackupRecord, fileSystem: number): string {
  return record.plan.fileSystems[fileSystem]?.mountPoint ?? `file system ${fileSystem}`;
}
