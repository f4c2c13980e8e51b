import { judge } from '../backup/outcome.ts';
import type { BackupRecord, FileSystemTimes, TargetRecord } from '../backup/record.ts';
import type { FileSystem } from '../filesystems/plan-types.ts';
import type { OutputOf } from './schemas/described.ts';
import type { spanSchema, timelineSchema } from './schemas/timeline.ts';

/** The events of a run; all times are milliseconds since the first phase began. */
export type Timeline = OutputOf<typeof timelineSchema>;
export type TimelineFileSystem = Timeline['fileSystems'][number];
export type TimelineDisk = Timeline['disks'][number];
type TimelineFreeze = TimelineFileSystem['freezes'][number];
/** Start and end, in milliseconds since the first phase began. */
export type Span = OutputOf<typeof spanSchema>;

/** @param now CLOCK_MONOTONIC and wall clock at the same moment */
export function timelineOf(
  record: BackupRecord,
  now: { readonly monotonicNs: bigint; readonly wallClock: Date },
): Timeline {
  const zeroNs = record.phases[0]?.startNs ?? now.monotonicNs;
  const at = (ns: bigint): number => Math.round(Number(ns - zeroNs) / 1_000) / 1_000;
  const lateMs = Number(now.monotonicNs - zeroNs) / 1e6;
  const { diskIsConsistent } = judge(record);
  return {
    startedAt: new Date(now.wallClock.getTime() - lateMs).toISOString(),
    endMs: Math.max(0, ...record.phases.map(({ endNs }) => at(endNs))),
    scheduled:
      record.scheduled === undefined
        ? null
        : {
            at: record.scheduled.askedFor.toISOString(),
            lateMs: record.scheduled.lateMs ?? null,
          },
    phases: record.phases.map(({ name, startNs, endNs }) => ({
      name,
      span: [at(startNs), at(endNs)],
    })),
    barrierMs: record.barrier === undefined ? null : at(record.barrier.atNs),
    fileSystems: record.plan.fileSystems.map((fileSystem, index) =>
      timelineFileSystem(record, fileSystem, index, at),
    ),
    disks: record.disks.map((disk, index) =>
      timelineDisk(disk, diskIsConsistent[index] ?? false, at),
    ),
  };
}

type Clock = (ns: bigint) => number;

function timelineFileSystem(
  { fileSystems, earlierAttempts }: BackupRecord,
  { mountPoint, type, disks }: FileSystem,
  index: number,
  at: Clock,
): TimelineFileSystem {
  const attempts = [...earlierAttempts.map((it) => it.fileSystems), fileSystems];
  return {
    mountPoint,
    type,
    disks,
    settle: settleSpan(fileSystems[index], at),
    freezes: attempts.flatMap((times) => timelineFreeze(times[index], at)),
  };
}

function settleSpan(times: FileSystemTimes | undefined, at: Clock): Span | null {
  return times?.settleStartNs === undefined || times.settleNs === undefined
    ? null
    : [at(times.settleStartNs), at(times.settleStartNs + times.settleNs)];
}

function timelineFreeze(times: FileSystemTimes | undefined, at: Clock): TimelineFreeze[] {
  if (times?.freezeStartNs === undefined) {
    return [];
  }
  const { freezeStartNs, frozenNs, freezeFailedNs, thawStartNs, thawedNs } = times;
  return [
    {
      startMs: at(freezeStartNs),
      frozenMs: frozenNs === undefined ? null : at(frozenNs),
      failedMs: freezeFailedNs === undefined ? null : at(freezeFailedNs),
      thaw:
        thawStartNs === undefined || thawedNs === undefined
          ? null
          : [at(thawStartNs), at(thawedNs)],
      error: errorOf(times),
    },
  ];
}

function errorOf({ freezeErrno, frozenNs, thawErrno, wasFrozen }: FileSystemTimes): string | null {
  if (freezeErrno !== undefined) {
    return `FIFREEZE: ${freezeErrno}`;
  }
  if (thawErrno !== undefined) {
    return `FITHAW: ${thawErrno}`;
  }
  return frozenNs !== undefined && wasFrozen === false ? 'another tool thawed it' : null;
}

function timelineDisk(
  { device, blob, answer, failedNs }: TargetRecord,
  consistent: boolean,
  at: Clock,
): TimelineDisk {
  const { firedNs, acknowledgedNs, attempts, failure } = answer;
  const endNs = acknowledgedNs ?? failedNs;
  return {
    device: device ?? null,
    blob,
    request: firedNs === undefined || endNs === undefined ? null : [at(firedNs), at(endNs)],
    attempts,
    consistent,
    error: failure?.message ?? null,
  };
}
