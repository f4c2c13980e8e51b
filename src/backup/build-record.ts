import { machineProxy } from '../config/machine-proxy.ts';
import { pathOfDisk } from '../filesystems/disks.ts';
import { type Disk, OS_DISK_LUN, type Plan } from '../filesystems/plan-types.ts';
import type { QuiescedApplication } from '../quiesce/quiesce-types.ts';
import type { SnapshotAnswer } from '../snapshot/snapshot-types.ts';
import type { RunContext } from './context.ts';
import { rememberFreezeOrder } from './freeze-order-file.ts';
import { findLostSnapshots } from './lost-snapshots.ts';
import { setWishesOf } from './matching.ts';
import { deleteOrphans, isWorthless, lostInBrokenAttempts, uselessSnapshots } from './orphans.ts';
import type { Prepared } from './prepare.ts';
import { managedWarnings, patienceWarnings, runtimeRemarks } from './problems.ts';
import type { BackupRecord, TargetRecord } from './record.ts';
import { fileSystemsBehind } from './schedule/topology.ts';
import {
  bothClocks,
  type ScheduledStart,
  scheduledStart,
  unpunctuality,
} from './scheduled-start.ts';
import type { FailedFileSystem, StorageAfterwards } from './verify-storage.ts';
import { diskBehind, knownDisks, UNKNOWN_DISK } from './whole-set/behind.ts';
import { describeGap, isFault, type SetGap } from './whole-set/describe-gap.ts';
import { gapOfHost, gapsOf } from './whole-set/find-gaps.ts';
import { stuckIn, type WindowRuns } from './window-run.ts';

/** What is known when nothing is frozen any more. */
export interface AfterThaw {
  readonly storage: StorageAfterwards;
  /** Undefined if the run quiesced none. */
  readonly application: QuiescedApplication | undefined;
}

/**
 * Stores which file systems were stuck, deletes useless snapshots, and builds the record of the run. Nothing is frozen
 * any more.
 */
export async function buildRecord(
  context: RunContext,
  prepared: Prepared,
  windows: WindowRuns,
  { application, storage }: AfterThaw,
): Promise<BackupRecord> {
  const { startAt } = context.request;
  const { last, earlier } = windows;
  const { plan, targets } = prepared;
  const scheduled = startAt && startOf(context, startAt, windows);
  await rememberStuck(context, plan, windows);
  const proxyFor = machineProxy();
  const answers = isWorthless(last)
    ? last.answers.map(withoutSnapshot)
    : await findLostSnapshots(context, targets, last.answers, proxyFor);
  const gaps = gapsAfterwards(context, prepared, answers, storage.now);
  for (const gap of gaps.filter((it) => !isFault(it))) {
    context.warn(describeGap(gap));
  }
  for (const failed of storage.failed) {
    context.warn(failureDuringRun(failed));
  }
  for (const warning of lostInBrokenAttempts(windows, targets)) {
    context.warn(warning);
  }
  const disks = targetRecords(prepared, answers, last);
  for (const warning of [...patienceWarnings(disks), ...managedWarnings(disks)]) {
    context.warn(warning);
  }
  // Not of the result: it is about the program, and an operator can do nothing about it.
  for (const remark of runtimeRemarks(last)) {
    context.note(remark);
  }
  return {
    plan,
    disks,
    gaps,
    fileSystems: last.fileSystems,
    threads: last.threads,
    barrier: last.barrier,
    end: last.end,
    findings: last.findings,
    earlierAttempts: earlier.map((it) => ({ fileSystems: it.fileSystems, stuck: stuckIn(it) })),
    orphans: await deleteOrphans(uselessSnapshots(windows), targets, proxyFor),
    phases: context.phaseTimes,
    stillFrozen: prepared.freezer.stillFrozen(),
    warnings: context.warnings,
    scheduled,
    clock: context.clock,
    application: application?.record(),
  };
}

function startOf(
  context: RunContext,
  askedFor: Date,
  { last, earlier }: WindowRuns,
): ScheduledStart {
  const windows = [...earlier, last].map(({ fileSystems }) => fileSystems);
  const start = scheduledStart(askedFor, windows, bothClocks());
  const sentence = unpunctuality(start);
  if (sentence !== undefined) {
    context.warn(sentence);
  }
  return start;
}

/** Pure. */
export function failureDuringRun({ mountPoint, isReadOnly }: FailedFileSystem): string {
  const sentences = [
    `${mountPoint} failed during this run (the kernel shut it down, made it read-only or lost its disk): if that was before it was frozen, what was taken of it is as after a power cut.`,
    'Read the log of the kernel.',
    ...(isReadOnly ? [WRITERS_BLOCKED] : []),
  ];
  return sentences.join(' ');
}

/** It does not release them at the thaw if the file system has become read-only since the freeze. */
const WRITERS_BLOCKED =
  'If processes that write there stay blocked (a defect of Linux before 6.12), only a restart of the machine releases them.';

/** A file system that was mounted or moved right before the freeze shows in the storage afterwards. */
function gapsAfterwards(
  { request }: RunContext,
  { plan, targets, provider }: Prepared,
  answers: readonly SnapshotAnswer[],
  now: StorageAfterwards['now'],
): SetGap[] {
  return [
    ...gapsOf(plan, targets, setWishesOf(request), now),
    ...(provider.kind === 'host' ? gapOfHost(plan, targets, answers, request.includedLuns) : []),
  ];
}

/** Future runs will first freeze the file systems that were stuck until they were frozen first. */
async function rememberStuck(
  context: RunContext,
  plan: Plan,
  { last, earlier }: WindowRuns,
): Promise<void> {
  const mountPoints = earlier
    .flatMap(stuckIn)
    .flatMap((index) => plan.fileSystems[index]?.mountPoint ?? []);
  if (mountPoints.length === 0 || last.barrier === undefined) {
    return;
  }
  for (const finding of earlier.flatMap(({ findings }) => findings)) {
    context.warn(finding);
  }
  context.warn(
    `${mountPoints.join(', ')} froze only when frozen before the others; future runs will freeze it first`,
  );
  try {
    await rememberFreezeOrder(mountPoints);
  } catch (error) {
    context.warn(`cannot store the freeze order for future runs: ${String(error)}`);
  }
}

/** The answer of a disk whose snapshot does not belong to a common instant. */
function withoutSnapshot(answer: SnapshotAnswer): SnapshotAnswer {
  if (answer.snapshot === undefined) {
    return answer;
  }
  const { httpStatus, requestId } = answer;
  const message = 'its snapshot was taken, but not every file system could be frozen';
  return {
    ...answer,
    snapshot: undefined,
    failure: { kind: 'aborted', message, httpStatus, serviceCode: undefined, requestId },
  };
}

function targetRecords(
  { plan, targets }: Prepared,
  answers: readonly SnapshotAnswer[],
  { writes, failedNs }: Pick<WindowRuns['last'], 'writes' | 'failedNs'>,
): TargetRecord[] {
  const disks = knownDisks(targets);
  return answers.map((answer) => {
    const target = targets[answer.target];
    const behind = target?.behind ?? UNKNOWN_DISK;
    const failed = failedNs?.get(answer.target);
    const disk = diskBehind(behind) ?? diskOfLun(plan, answer.disk?.lun ?? answer.host?.lun);
    return {
      blob: answer.disk?.id ?? hostBlob(answer) ?? target?.name ?? '',
      device: disk === undefined ? undefined : pathOfDisk(disk),
      answer,
      ...(failed === undefined ? {} : { failedNs: failed }),
      fileSystems: fileSystemsBehind(plan, disks, answer.target),
      writes: writes[answer.target] ?? { kind: 'unknown' },
      behind,
    };
  });
}

/** The blob or disk in an answer of the host, which has a single target for all of them. */
function hostBlob({ host }: SnapshotAnswer): string | undefined {
  const lun = host?.lun === OS_DISK_LUN ? 'the OS disk' : `LUN ${host?.lun}`;
  return host?.uri?.split('?')[0] ?? (host?.lun === undefined ? undefined : lun);
}

function diskOfLun({ disks, otherDisks }: Plan, lun: number | undefined): string | undefined {
  const isIt = (disk: Disk): boolean =>
    lun === OS_DISK_LUN ? disk.role === 'os' : disk.role === 'data' && disk.lun === lun;
  return lun === undefined ? undefined : [...disks, ...(otherDisks ?? [])].find(isIt)?.name;
}
