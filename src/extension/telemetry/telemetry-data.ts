import type { BackupRecord } from '../../backup/record.ts';
import type { UsedSpace } from '../../filesystems/used-size.ts';
import { summarize } from '../../report/summary.ts';
import { type Consistency, RESULTS, type ResultCode } from '../../result-codes.ts';
import { earliest, latest } from '../../system/stamps.ts';
import type { Pair, SnapshotCreator } from '../task-types.ts';
import type { MachineFacts } from './machine-facts.ts';

/** What a task's `telemetryData` is made of. */
export interface TelemetrySources {
  readonly extensionVersion: string;
  readonly machine: MachineFacts;
  readonly code: ResultCode;
  readonly consistency: Consistency;
  /** The backup runs scripts or a database session. */
  readonly isPrePostEnabled: boolean;
  /** `appName` of the script configuration, or the workload. */
  readonly appName: string | undefined;
  /** Undefined if the task failed before a freeze. */
  readonly record: BackupRecord | undefined;
  readonly creator: SnapshotCreator | undefined;
  readonly usedSpace: UsedSpace | undefined;
  /** Whether the root file system alone is charged for; undefined if the settings do not say. */
  readonly isRootOnly: boolean | undefined;
  readonly statusBlobUploadError: boolean;
}

/**
 * The pairs of `telemetryData` (status.md) that are known, in the order of status.md. Lists and truth values have the
 * form that readers know from the extension that this one replaces, which is Python's. Pure.
 */
export function telemetryData(sources: TelemetrySources): Pair[] {
  const { machine, record, usedSpace } = sources;
  return [
    ['extensionVersion', sources.extensionVersion],
    ['guestAgentVersion', machine.guestAgentVersion || 'Unknown'],
    ['osVersion', machine.osVersion],
    ['kernelVersion', machine.kernelVersion],
    ['platformArchitecture', machine.platformArchitecture],
    ['workloads', listText(machine.workloads)],
    ['prePostEnabled', sources.isPrePostEnabled ? 'True' : 'False'],
    ...(sources.isPrePostEnabled ? [['isPrePostEnabled', 'true'] as const] : []),
    ...known('appName', sources.appName),
    ['consistencyType', sources.consistency],
    ...(record === undefined ? [] : timesOf(record)),
    ...creatorPairs(sources.creator),
    ['extErrorCode', RESULTS[sources.code].name],
    ...known('billingType', billingTypeOf(sources)),
    ...(usedSpace === undefined ? [] : sizesOf(usedSpace)),
    ...(sources.statusBlobUploadError ? [['statusBlobUploadError', 'true'] as const] : []),
    ...(record === undefined ? [] : ownPairs(record)),
  ];
}

/** Readers expect it only of a task that has the setting. */
function billingTypeOf({ isRootOnly }: TelemetrySources): string | undefined {
  if (isRootOnly === undefined) {
    return undefined;
  }
  return isRootOnly ? 'os disk' : 'none';
}

function known(key: string, value: string | undefined): Pair[] {
  return value === undefined ? [] : [[key, value]];
}

function creatorPairs(creator: SnapshotCreator | undefined): Pair[] {
  return [
    ...known('snapshotCreator', creator?.name),
    ...known('hostStatusCodePreSnapshot', creator?.hostStatusCodePreSnapshot),
    ...known('hostStatusCodeDoSnapshot', creator?.hostStatusCodeDoSnapshot),
  ];
}

/** From the first start to the last end, gaps included: the times overlap. */
function timesOf({ fileSystems, disks }: BackupRecord): Pair[] {
  const answers = disks.map(({ answer }) => answer);
  const span = (
    key: string,
    starts: readonly (bigint | undefined)[],
    ends: readonly (bigint | undefined)[],
  ): Pair[] => {
    const first = earliest(starts);
    const last = latest(ends);
    return first === undefined || last === undefined ? [] : [[key, durationText(last - first)]];
  };
  return [
    ...span(
      'FreezeTime',
      fileSystems.map(({ freezeStartNs }) => freezeStartNs),
      fileSystems.map(({ frozenNs }) => frozenNs),
    ),
    ...span(
      'snapshotTimeTaken',
      answers.map(({ firedNs }) => firedNs),
      answers.map(({ acknowledgedNs }) => acknowledgedNs),
    ),
    ...span(
      'ThawTime',
      fileSystems.map(({ thawStartNs }) => thawStartNs),
      fileSystems.map(({ thawedNs }) => thawedNs),
    ),
  ];
}

/** `h:mm:ss.ffffff`, as other extensions of this kind report durations. */
export function durationText(ns: bigint): string {
  const microseconds = ns / 1_000n;
  const seconds = microseconds / 1_000_000n;
  const digits = (value: bigint, width: number): string => value.toString().padStart(width, '0');
  const minutes = digits((seconds / 60n) % 60n, 2);
  return `${seconds / 3_600n}:${minutes}:${digits(seconds % 60n, 2)}.${digits(microseconds % 1_000_000n, 6)}`;
}

/** Network shares and unknown types are never asked for their used space: only their types are told. */
function sizesOf({ figures }: UsedSpace): Pair[] {
  return [
    ...listed('networkFSTypeInDf', figures.networkTypes),
    ...kibibytes('ramDisksSize', figures.ramDisksBytes),
    ...kibibytes('tempDisksSize', figures.temporaryDisksBytes),
    ...kibibytes('loopDevicesSize', figures.loopDevicesBytes),
    ...kibibytes('totalsdSize', figures.scsiDisksBytes),
    ...listed('unknownFSTypeInDf', figures.unknownTypes),
  ];
}

/** Nothing if nothing is used. */
function kibibytes(key: string, bytes: number): Pair[] {
  return bytes === 0 ? [] : [[key, String(Math.ceil(bytes / 1_024))]];
}

function listed(key: string, types: readonly string[]): Pair[] {
  return types.length === 0 ? [] : [[key, listText(types)]];
}

/** `['one', 'two']` */
function listText(words: readonly string[]): string {
  return `[${words.map((word) => `'${word}'`).join(', ')}]`;
}

/** Keys that only flashfreeze reports. */
function ownPairs(record: BackupRecord): Pair[] {
  const summary = summarize(record);
  return [
    ['ffWindowMaxMs', String(summary.windowMs.max)],
    ['ffWindowMeanMs', String(summary.windowMs.mean)],
    ...known('ffBarrier', summary.barrier ?? undefined),
    ['ffFreezeAttempts', String(summary.freezeAttempts)],
    ['ffFileSystems', String(summary.fileSystems.length)],
    ['ffDisks', String(summary.disks.length)],
    ...Object.entries(summary.phasesMs).map(([name, ms]): Pair => [phaseKey(name), String(ms)]),
  ];
}

function phaseKey(name: string): string {
  return `ff${name.charAt(0).toUpperCase()}${name.slice(1)}Ms`;
}
