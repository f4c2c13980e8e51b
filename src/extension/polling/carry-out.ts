import { judge } from '../../backup/outcome.ts';
import type { BackupRecord } from '../../backup/record.ts';
import type { BackupRequest, RunObserver } from '../../backup/request.ts';
import { backup } from '../../backup/run.ts';
import type { VmBackupConfiguration } from '../../config/vmbackup.ts';
import { FlashfreezeError } from '../../errors.ts';
import type { HostClient } from '../../snapshot/host/host-client.ts';
import {
  isAccepted,
  type OrderFault,
  publishSnapshotRequest,
  type SnapshotOrder,
  startSnapshotCall,
  startSnapshotRequest,
} from './orders.ts';

/** The host counts a snapshot as consistent only if freeze to answer took less (host-api.md). */
export const CONSISTENT_WITHIN_MS = 9_000;

const PUBLISH_TRIES = 4;
/** The service does not outlive a signal for longer. */
const PUBLISH_TIMEOUT_MS = 10_000;

/** What became of an order. */
export interface OrderResult {
  /** Undefined where the snapshot is consistent. */
  readonly fault: OrderFault | undefined;
  /** From the first FIFREEZE to the host's answer; undefined where it did not come to that. */
  readonly heldMs: number | undefined;
  /** The host has been told. */
  readonly isPublished: boolean;
}

/**
 * Carries out what the host wants: freeze, startsnapshot, thaw, publishsnapshot. Never rejects. Where
 * nothing could be frozen the host is told so with both calls.
 */
export async function carryOut(
  order: SnapshotOrder,
  client: HostClient,
  configuration: VmBackupConfiguration,
  observer: RunObserver,
  abort: AbortSignal,
): Promise<OrderResult> {
  const { fault, heldMs, isStarted } = await takeSnapshot(
    requestOf(order, client, configuration),
    observer,
    abort,
  );
  if (!isStarted) {
    await client.call(startSnapshotRequest(order, fault), { timeoutMs: PUBLISH_TIMEOUT_MS });
  }
  const published = await client.call(publishSnapshotRequest(order, fault), {
    timeoutMs: PUBLISH_TIMEOUT_MS,
    maxTries: PUBLISH_TRIES,
    succeeds: isAccepted,
  });
  return { fault, heldMs, isPublished: published.kind === 'succeeded' };
}

interface TakenSnapshot extends Pick<OrderResult, 'fault' | 'heldMs'> {
  /** startsnapshot was sent while everything was frozen. */
  readonly isStarted: boolean;
}

async function takeSnapshot(
  request: BackupRequest,
  observer: RunObserver,
  abort: AbortSignal,
): Promise<TakenSnapshot> {
  try {
    const record = await backup(request, observer, abort);
    const heldMs = heldMsOf(record);
    const isStarted = record.disks.some(({ answer }) => answer.firedNs !== undefined);
    return { fault: faultOf(record, heldMs), heldMs, isStarted };
  } catch (error) {
    const isOurs = error instanceof FlashfreezeError;
    const message = isOurs ? error.message : 'an internal error of flashfreeze';
    return {
      fault: { code: isOurs ? error.code : 'FF_INTERNAL', message },
      heldMs: undefined,
      isStarted: false,
    };
  }
}

/** Pure. The reason why the host must not count the snapshot as consistent. */
export function faultOf(record: BackupRecord, heldMs: number | undefined): OrderFault | undefined {
  const { consistency, code, problems } = judge(record);
  if (consistency === 'none' || consistency === 'crashConsistent') {
    const message = problems.length > 0 ? problems.join(' ') : 'nothing was frozen';
    return { code: String(code), message };
  }
  return heldMs !== undefined && heldMs >= CONSISTENT_WITHIN_MS
    ? {
        code: '122',
        message: `freeze to answer took ${Math.round(heldMs)} ms; the host counts less than ${CONSISTENT_WITHIN_MS}`,
      }
    : undefined;
}

/** Pure. */
export function heldMsOf({ fileSystems, disks }: BackupRecord): number | undefined {
  const starts = fileSystems.flatMap(({ freezeStartNs }) => freezeStartNs ?? []);
  const answered = disks.flatMap(({ answer }) => answer.acknowledgedNs ?? []);
  const [first] = starts.toSorted(ascending);
  const last = answered.toSorted(ascending).at(-1);
  return first === undefined || last === undefined ? undefined : Number(last - first) / 1e6;
}

function ascending(a: bigint, b: bigint): number {
  return a < b ? -1 : Number(a > b);
}

function requestOf(
  order: SnapshotOrder,
  client: HostClient,
  configuration: VmBackupConfiguration,
): BackupRequest {
  return {
    blobs: [],
    taker: { kind: 'host', client, call: startSnapshotCall(order) },
    selection: { include: [], skip: configuration.mountsToSkip },
    // Held longer it would be of no use.
    timeoutMs: Math.min(configuration.timeoutMs, CONSISTENT_WITHIN_MS),
    waveLimitMs: configuration.waveLimitMs,
    retryStuckFreeze: configuration.retryStuckFreeze,
    lastLever: configuration.lastLever,
    fire: configuration.fire,
    sequential: false,
    settle: true,
    freeze: configuration.freeze,
    strictMatch: false,
    startAt: undefined,
    metadata: [],
    taskId: order.snapshotId,
    lanes: undefined,
  };
}
