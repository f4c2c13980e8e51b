import { machineProxy } from '../config/machine-proxy.ts';
import { pathOfDisk } from '../filesystems/disks.ts';
import { type Disk, OS_DISK_LUN, type Plan } from '../filesystems/model.ts';
import type { LastLever } from '../freezer/last-lever.ts';
import type { SnapshotAnswer } from '../snapshot/model.ts';
import { throwIfAborted, unlessAborted } from '../system/abort.ts';
import { resumeApplication, withoutForbiddenFreeze } from './application.ts';
import { Relay } from './context.ts';
import { keepLearntOrder } from './freeze-order-file.ts';
import { approach } from './guards.ts';
import { setWishesOf } from './matching.ts';
import { deleteOrphans, isWorthless, uselessSnapshots } from './orphans.ts';
import { ownUp } from './own-up.ts';
import { Phases } from './phases.ts';
import { disksOf, type Prepared, prepare, type Relays } from './prepare.ts';
import type { BackupRecord, TargetRecord, WritesSeen } from './record.ts';
import type { BackupRequest, RunObserver } from './request.ts';
import { fileSystemsBehind } from './schedule/topology.ts';
import { bothClocks, lateness, type ScheduledStart, scheduledStart } from './scheduled-start.ts';
import { storageAfterwards } from './verify-storage.ts';
import { diskBehind, UNKNOWN_DISK } from './whole-set/behind.ts';
import { describeGap, isFault, type SetGap } from './whole-set/gap.ts';
import { gapOfHost, gapsOf } from './whole-set/gaps.ts';
import { type Attempts, attempts, stuckIn } from './window-run.ts';

/**
 * One run: prepare, settle, quiesce, freeze, fire, thaw, resume, release (design, "The run"). Resolves also for a run
 * that failed once something was frozen: the record tells. Nothing is frozen when it returns.
 *
 * @param abort its reason is an `AbortReason`; ends the run at once, thawing what is frozen
 * @throws FlashfreezeError where the run ended before anything was frozen
 */
export async function backup(
  asked: BackupRequest,
  observer: RunObserver,
  abort: AbortSignal,
): Promise<BackupRecord> {
  const request = withoutForbiddenFreeze(asked);
  const warnings: string[] = [];
  const noting = alsoNoting(observer, warnings);
  const phases = new Phases(noting);
  const relays: Relays = { freezer: new Relay(), snapshot: new Relay() };
  await using resources = new AsyncDisposableStack();
  const prepared = await phases.measure('prepare', () =>
    unlessAborted(abort, prepare(request, relays, resources, noting)),
  );
  await unlessAborted(abort, Promise.resolve(request.beforeFreeze));
  throwIfAborted(abort);
  const approached = await approach(request, prepared, relays, resources, phases, noting, abort);
  const tried = await attempts(request, approached.prepared, relays, approached, phases, abort);
  // Other freezers need not wait for this machine's scripts; unless something is frozen still.
  if (approached.prepared.freezer.isSettled()) {
    approached.lock?.[Symbol.dispose]();
  }
  await resumeApplication(approached.application, phases, noting);
  if (approached.prepared.freezer.isSettled()) {
    await approached.balances.resume();
  }
  return await phases.measure('release', async () => {
    const { lastLever, guardian } = approached;
    const report = await guardian?.release();
    for (const warning of [...(guardian?.warnings ?? []), ...leverWarnings(lastLever)]) {
      noting.warn(warning);
    }
    await resources.disposeAsync();
    const scheduled = request.startAt && startOf(request.startAt, tried, noting);
    const honest = { ...tried, last: ownUp(tried.last, report) };
    return {
      ...(await afterwards(request, approached.prepared, honest, noting)),
      phases: phases.times,
      unsettled: approached.prepared.freezer.unsettled(),
      warnings,
      scheduled,
      application: approached.application?.record(),
    };
  });
}

function startOf(
  askedFor: Date,
  { last, earlier }: Attempts,
  { warn }: RunObserver,
): ScheduledStart {
  const attempts = [...earlier, last].map(({ fileSystems }) => fileSystems);
  const start = scheduledStart(askedFor, attempts, bothClocks());
  const sentence = lateness(start);
  if (sentence !== undefined) {
    warn(sentence);
  }
  return start;
}

function leverWarnings(lever: LastLever | undefined): string[] {
  const { answered, killed } = lever?.outcome() ?? { answered: 0, killed: [] };
  return [
    ...(lever?.warnings ?? []),
    ...(answered === 0
      ? []
      : [
          `the last lever was needed: ${answered} opens were answered in the place of their permission daemon`,
        ]),
    ...(killed.length === 0
      ? []
      : [
          `the last lever was needed: killed what waited for a permission daemon (pid ${killed.join(', ')})`,
        ]),
  ];
}

/** What is done and told once nothing is frozen any more. */
async function afterwards(
  request: BackupRequest,
  prepared: Prepared,
  tried: Attempts,
  observer: RunObserver,
): Promise<Omit<BackupRecord, 'phases' | 'warnings' | 'application'>> {
  const { last, earlier } = tried;
  await rememberStuck(prepared, tried, observer);
  const targets = prepared.targets.map(({ blob }, index) => ({
    url: request.blobs[index]?.url,
    blob,
  }));
  const answers = isWorthless(last) ? last.answers.map(disowned) : last.answers;
  const gaps = await gapsAfterwards(request, prepared, answers);
  for (const gap of gaps.filter((it) => !isFault(it))) {
    observer.warn(describeGap(gap));
  }
  return {
    plan: prepared.plan,
    disks: targetRecords(prepared, answers, last.writes),
    gaps,
    fileSystems: last.fileSystems,
    barrier: last.barrier,
    end: last.end,
    findings: last.findings,
    earlierAttempts: earlier.map((it) => ({ fileSystems: it.fileSystems, stuck: stuckIn(it) })),
    orphans: await deleteOrphans(uselessSnapshots(tried), targets, machineProxy()),
  };
}

/** The storage is looked at once more: what was mounted or moved in the last moment before the freeze shows now. */
async function gapsAfterwards(
  request: BackupRequest,
  { plan, targets }: Prepared,
  answers: readonly SnapshotAnswer[],
): Promise<SetGap[]> {
  const after = plan.fileSystems.length === 0 ? undefined : await storageAfterwards(request, plan);
  return [
    ...gapsOf(plan, targets, setWishesOf(request), after),
    ...gapOfHost(plan, targets, answers, request.includedLuns),
  ];
}

/** What was stuck until it was frozen first will be frozen first from now on. */
async function rememberStuck(
  { plan }: Prepared,
  { last, earlier }: Attempts,
  observer: RunObserver,
): Promise<void> {
  const mountPoints = earlier
    .flatMap(stuckIn)
    .flatMap((index) => plan.fileSystems[index]?.mountPoint ?? []);
  if (mountPoints.length === 0 || last.barrier === undefined) {
    return;
  }
  for (const finding of earlier.flatMap(({ findings }) => findings)) {
    observer.warn(finding);
  }
  observer.warn(
    `${mountPoints.join(', ')} did not freeze at first and did when frozen before the others; the next runs begin with that order`,
  );
  try {
    await keepLearntOrder(mountPoints);
  } catch (error) {
    observer.warn(`the order of freezing could not be kept: ${String(error)}`);
  }
}

/** The answer of a disk whose snapshot is no part of a common instant. */
function disowned(answer: SnapshotAnswer): SnapshotAnswer {
  if (answer.snapshot === undefined) {
    return answer;
  }
  const { httpStatus, requestId } = answer;
  const message = 'its snapshot was taken, but not everything could be frozen';
  return {
    ...answer,
    snapshot: undefined,
    failure: { kind: 'aborted', message, httpStatus, serviceCode: undefined, requestId },
  };
}

function alsoNoting(observer: RunObserver, warnings: string[]): RunObserver {
  return {
    phaseBegins: (phase) => observer.phaseBegins(phase),
    phaseEnds: (phase, durationMs) => observer.phaseEnds(phase, durationMs),
    note: (message) => observer.note?.(message),
    warn: (message) => {
      warnings.push(message);
      observer.warn(message);
    },
  };
}

function targetRecords(
  prepared: Prepared,
  answers: readonly SnapshotAnswer[],
  writes: readonly WritesSeen[],
): TargetRecord[] {
  const { plan, targets } = prepared;
  return answers.map((answer) => {
    const target = targets[answer.target];
    const behind = target?.behind ?? UNKNOWN_DISK;
    const disk = diskBehind(behind) ?? diskOfLun(plan, answer.host?.lun);
    return {
      blob: hostBlob(answer) ?? target?.blob ?? '',
      device: disk === undefined ? undefined : pathOfDisk(disk),
      answer,
      fileSystems: fileSystemsBehind(plan, disksOf(prepared), answer.target),
      writes: writes[answer.target] ?? { kind: 'unknown' },
      behind,
    };
  });
}

/** The host names the blobs behind its one target. */
function hostBlob({ host }: SnapshotAnswer): string | undefined {
  const lun = host?.lun === OS_DISK_LUN ? 'the OS disk' : `LUN ${host?.lun}`;
  return host?.uri?.split('?')[0] ?? (host?.lun === undefined ? undefined : lun);
}

function diskOfLun({ disks, otherDisks }: Plan, lun: number | undefined): string | undefined {
  const isIt = (disk: Disk): boolean =>
    lun === OS_DISK_LUN ? disk.role === 'os' : disk.role === 'data' && disk.lun === lun;
  return lun === undefined ? undefined : [...disks, ...(otherDisks ?? [])].find(isIt)?.name;
}
