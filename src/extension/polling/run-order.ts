import { LogObserver } from '../../backup/log-observer.ts';
import { judge } from '../../backup/outcome.ts';
import type { BackupRecord } from '../../backup/record.ts';
import type { BackupRequest } from '../../backup/request.ts';
import { configuredRequest } from '../../backup/request.ts';
import { backup } from '../../backup/run.ts';
import type { VmBackupConfiguration } from '../../config/vmbackup.ts';
import type { QuiescePlan } from '../../quiesce/quiesce-types.ts';
import type { HostClient } from '../../snapshot/host/host-client.ts';
import { EMPTY_SUCCESS } from '../../snapshot/host/status-code.ts';
import { earliest, latest } from '../../system/stamps.ts';
import type { SnapshotResult } from '../snapshot-method/take-snapshots.ts';
import type { TaskContext } from '../task/task-context.ts';
import { type Conclusion, concludeTaken } from '../task/task-result.ts';
import type { SnapshotCreator } from '../task-types.ts';
import { type OrderFault, type SnapshotOrder, startSnapshotCall } from './orders.ts';

/** The host counts a snapshot as consistent only if freeze to answer took less (host-api.md). */
export const CONSISTENT_WITHIN_MS = 9_000;

/** The result of an order. No secrets. */
export interface OrderResult {
  /** Undefined if the snapshot is consistent. */
  readonly fault: OrderFault | undefined;
  /** The result for the report. */
  readonly conclusion: Conclusion;
  /** From the first FIFREEZE to the host's answer; undefined if either is missing. */
  readonly heldMs: number | undefined;
  /** startsnapshot was sent during the freeze. */
  readonly isStarted: boolean;
}

/**
 * Takes the snapshot that the host wants: applications quiesced, freeze, startsnapshot, thaw, applications released.
 *
 * @throws FlashfreezeError if the run ended before anything was frozen
 */
export async function runOrder(
  { configuration, log }: TaskContext,
  order: SnapshotOrder,
  client: HostClient,
  quiesce: QuiescePlan | undefined,
  abort: AbortSignal,
): Promise<OrderResult> {
  const request = { ...requestOf(order, client, configuration), quiesce };
  const record = await backup(request, new LogObserver(log), abort);
  return resultOf({ ok: true, record, failedFreeze: undefined });
}

/** The result for the host of a run, or of the error that ended it before anything was frozen. Pure. */
export function resultOf(result: SnapshotResult): OrderResult {
  const record = result.ok ? result.record : undefined;
  const conclusion = concludeTaken({ creator: creatorOf(record), result }, []);
  const heldMs = record && heldMsOf(record);
  const fault = record === undefined ? faultIn(conclusion) : faultOf(record, heldMs);
  const isUseless = fault !== undefined && isConsistent(conclusion);
  return {
    fault,
    conclusion: isUseless ? heldTooLong(conclusion, fault) : conclusion,
    heldMs,
    isStarted: record?.disks.some(({ answer }) => answer.firedNs !== undefined) === true,
  };
}

/** Everything was frozen, but a disk does not show the instant. */
const NOT_CONSISTENT = '2';

/** The reason why the host must not count the snapshot as consistent. */
function faultOf(record: BackupRecord, heldMs: number | undefined): OrderFault | undefined {
  const { consistency, code, problems } = judge(record);
  if (consistency === 'crashConsistent' && record.plan.fileSystems.length > 0) {
    return { code: NOT_CONSISTENT, message: problems.join(' ') };
  }
  if (consistency === 'crashConsistent') {
    return {
      code: '121',
      message: 'nothing was frozen, as the configuration of this machine requires',
    };
  }
  if (consistency === 'none') {
    return { code: String(code), message: problems.join(' ') };
  }
  return heldMs !== undefined && heldMs >= CONSISTENT_WITHIN_MS
    ? {
        code: '122',
        message: `the freeze lasted ${Math.round(heldMs)} ms; the host accepts only less than ${CONSISTENT_WITHIN_MS} ms`,
      }
    : undefined;
}

function faultIn({ code, message }: Conclusion): OrderFault {
  return { code: String(code), message };
}

function isConsistent({ consistency }: Conclusion): boolean {
  return consistency === 'fileSystemConsistent' || consistency === 'applicationConsistent';
}

function heldTooLong(conclusion: Conclusion, { message }: OrderFault): Conclusion {
  const snapshots = conclusion.snapshots.map((snapshot) => ({
    ...snapshot,
    isSuccessful: false,
    errorMessage: message,
  }));
  return { ...conclusion, code: 122, consistency: 'none', message, snapshots };
}

function creatorOf(record: BackupRecord | undefined): SnapshotCreator {
  const [disk] = record?.disks ?? [];
  const code = disk?.answer.host?.statusCode;
  // An answer without a body counts as any other here.
  const told = code === EMPTY_SUCCESS ? disk?.answer.httpStatus : code;
  return {
    name: 'backupHostService',
    hostStatusCodePreSnapshot: undefined,
    hostStatusCodeDoSnapshot: told?.toString(),
  };
}

/** Counted from the first FIFREEZE: the time to quiesce an application before it does not count. Pure. */
export function heldMsOf({
  fileSystems,
  disks,
}: Pick<BackupRecord, 'fileSystems' | 'disks'>): number | undefined {
  const first = earliest(fileSystems.map(({ freezeStartNs }) => freezeStartNs));
  const last = latest(disks.map(({ answer }) => answer.acknowledgedNs));
  return first === undefined || last === undefined ? undefined : Number(last - first) / 1e6;
}

/**
 * Freezes every file system, whichever LUNs the host snapshots: otherwise a file system that spans disks, lies in
 * an image on another one, or shares an application with another one would be torn, and the disk of a LUN is not
 * always known. Freezing more than is needed costs the others a short stall, and is never wrong.
 */
function requestOf(
  order: SnapshotOrder,
  client: HostClient,
  configuration: VmBackupConfiguration,
): BackupRequest {
  return {
    ...configuredRequest(configuration),
    provider: { kind: 'host', client, call: startSnapshotCall(order) },
    // The host discards a snapshot whose freeze lasted longer.
    timeoutMs: Math.min(configuration.timeoutMs, CONSISTENT_WITHIN_MS),
    sequential: false,
    taskId: order.snapshotId,
    // The host chooses the disks, so none counts as missing.
    includedLuns: [],
    isPartial: true,
  };
}
