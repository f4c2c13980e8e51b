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

/** What an order came to. No secrets. */
export interface OrderResult {
  /** Undefined if the snapshot is consistent. */
  readonly fault: OrderFault | undefined;
  /** The result for the report. */
  readonly conclusion: Conclusion;
  /** From the first FIFREEZE to the host's answer; undefined if it did not come to that. */
  readonly heldMs: number | undefined;
  /** startsnapshot was sent in its time. */
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

/** What a run, or the error that ended it before anything was frozen, comes to for the host. Pure. */
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
      message: 'nothing was frozen: the configuration of this machine says so',
    };
  }
  if (consistency === 'none') {
    return { code: String(code), message: problems.join(' ') };
  }
  return heldMs !== undefined && heldMs >= CONSISTENT_WITHIN_MS
    ? {
        code: '122',
        message: `freeze to answer took ${Math.round(heldMs)} ms; the host counts less than ${CONSISTENT_WITHIN_MS}`,
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
  // An answer without a body is as good as any other here.
  const told = code === EMPTY_SUCCESS ? disk?.answer.httpStatus : code;
  return {
    name: 'backupHostService',
    hostStatusCodePreSnapshot: undefined,
    hostStatusCodeDoSnapshot: told?.toString(),
  };
}

/** From the first FIFREEZE on: quiescing an application before it takes its time, and does not count. Pure. */
export function heldMsOf({
  fileSystems,
  disks,
}: Pick<BackupRecord, 'fileSystems' | 'disks'>): number | undefined {
  const first = earliest(fileSystems.map(({ freezeStartNs }) => freezeStartNs));
  const last = latest(disks.map(({ answer }) => answer.acknowledgedNs));
  return first === undefined || last === undefined ? undefined : Number(last - first) / 1e6;
}

/**
 * Every file system is frozen, whichever LUNs the host snapshots: one that spans disks, lies in an image on
 * another one, or belongs to the same application would else be torn, and which disk a LUN is cannot always be
 * told. To freeze more than is needed costs the others a short stall, and is never wrong.
 */
function requestOf(
  order: SnapshotOrder,
  client: HostClient,
  configuration: VmBackupConfiguration,
): BackupRequest {
  return {
    ...configuredRequest(configuration),
    provider: { kind: 'host', client, call: startSnapshotCall(order) },
    // Held longer it would be of no use.
    timeoutMs: Math.min(configuration.timeoutMs, CONSISTENT_WITHIN_MS),
    sequential: false,
    taskId: order.snapshotId,
    // Which disks the host snapshots is its own affair: none is missed.
    includedLuns: [],
    isPartial: true,
  };
}
