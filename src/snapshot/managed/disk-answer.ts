import { failureUnsent } from '../blob/failures.ts';
import { describeWait, withLimits } from '../blob/patience.ts';
import { remarkablePatienceMs } from '../http/retry.ts';
import type { ManagedSnapshot, RequestFailure, SnapshotAnswer } from '../snapshot-types.ts';
import {
  failureOfEnd,
  failureOfOperation,
  type Purpose,
  requestIdOf,
  withoutAnswer,
} from './disk-failures.ts';
import type { DiskRequest } from './disk-request.ts';
import { foreignBecause, type SnapshotResource } from './disk-resource.ts';
import { hasFailed } from './operation.ts';

/** Within this time the operation behind a snapshot usually ends; nothing better than an estimate is published. */
export const USUAL_OPERATION_MS = 10_000;

/** What the service says after the thaw of the snapshot of the requested name. */
export type Inquiry =
  | { readonly kind: 'found'; readonly snapshot: SnapshotResource }
  | { readonly kind: 'absent' }
  /** It was not asked, or it did not say. */
  | { readonly kind: 'unknown' };

export interface Requested {
  readonly target: number;
  readonly origin: string;
  readonly purpose: Purpose;
  /** Id of the snapshot. */
  readonly snapshot: string;
  readonly disk: string;
  /** When the request left, by the clock of the service, at the earliest. */
  readonly requestedMs: number | undefined;
}

export function answerUnsent(target: number, origin: string): SnapshotAnswer {
  return {
    target,
    attempts: 0,
    firedNs: undefined,
    acknowledgedNs: undefined,
    httpStatus: undefined,
    snapshot: undefined,
    requestId: undefined,
    failure: failureUnsent(origin),
    mayHaveOrphan: false,
  };
}

/** The full answer of a request that has ended. */
export function answerOfDisk(
  request: DiskRequest,
  inquiry: Inquiry,
  requested: Requested,
): SnapshotAnswer {
  const { put, end, endedNs } = request;
  const failure = failureOf(request, inquiry, requested);
  const isTaken = failure === undefined;
  return {
    target: requested.target,
    attempts: put.attempts,
    firedNs: put.firedNs,
    acknowledgedNs: end?.kind === 'succeeded' ? endedNs : undefined,
    httpStatus: statusOf(request),
    snapshot: isTaken ? requested.snapshot : undefined,
    requestId: request.accepted === undefined ? undefined : requestIdOf(request.accepted),
    failure,
    ...orphanOf(
      !isTaken && inquiry.kind !== 'found' && request.mayHaveSnapshot,
      requested.snapshot,
    ),
    surplus: isTaken ? [] : leftBehind(inquiry, requested),
    ...patienceOf(request, 'the end of the operation that takes the snapshot'),
    ...(isTaken ? { managed: managedOf(inquiry) } : {}),
  };
}

export function orphanOf(
  mayHaveOrphan: boolean,
  id: string,
): Pick<SnapshotAnswer, 'mayHaveOrphan' | 'orphan'> {
  return mayHaveOrphan ? { mayHaveOrphan, orphan: id } : { mayHaveOrphan };
}

/** Of the answer to the request itself. */
export function statusOf({ put }: Pick<DiskRequest, 'put'>): number | undefined {
  return put.end !== undefined && 'answer' in put.end ? put.end.answer.httpStatus : undefined;
}

function failureOf(
  request: DiskRequest,
  inquiry: Inquiry,
  requested: Requested,
): RequestFailure | undefined {
  const { end } = request;
  const { origin, purpose } = requested;
  switch (end?.kind) {
    case 'succeeded':
      return contradictionOf(inquiry, requested);
    case 'operation-failed': {
      const requestId = request.accepted && requestIdOf(request.accepted);
      return failureOfOperation(end.error, origin, statusOf(request), requestId);
    }
    case 'exchange': {
      const of = end.exchange.end;
      const failed = of?.kind === 'succeeded' ? undefined : of;
      return withLimits(failureOfEnd(failed, origin, purpose), of);
    }
    case 'no-time':
      return {
        ...failureWithLimit(origin),
        message: `${origin}: the operation that takes its snapshot was still running, and the service asked for ${seconds(end.pauseMs)} before the next question, with ${seconds(end.remainingMs)} left (see --patience and --timeout)`,
      };
    case 'cut':
      return end.reason === 'timeout' && request.accepted !== undefined
        ? {
            ...failureWithLimit(origin),
            message: `${origin}: the operation that takes its snapshot had not ended in time (patience and timeout limit it: see --patience and --timeout)`,
          }
        : withLimits(withoutAnswer(end.reason, origin), undefined);
    case undefined:
      return withoutAnswer('aborted', origin);
  }
}

function failureWithLimit(origin: string): RequestFailure {
  return withoutAnswer('timeout', origin);
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

/** The service said that the operation succeeded; what it says of the snapshot may contradict. */
function contradictionOf(
  inquiry: Inquiry,
  { origin, disk, requestedMs, snapshot }: Requested,
): RequestFailure | undefined {
  const of = (message: string): RequestFailure => ({
    kind: 'http',
    message: `${origin}: ${message}`,
    httpStatus: undefined,
    serviceCode: undefined,
    requestId: undefined,
  });
  if (inquiry.kind === 'absent') {
    return of(`the operation succeeded, but ${snapshot} does not exist; was it deleted meanwhile?`);
  }
  if (inquiry.kind !== 'found') {
    return undefined;
  }
  const because = foreignBecause(inquiry.snapshot, disk, requestedMs);
  if (because !== undefined) {
    return of(`no new snapshot was taken: ${because}; give another --name-prefix`);
  }
  const { provisioningState } = inquiry.snapshot;
  return hasFailed(provisioningState)
    ? of(`the operation succeeded, but the state of ${snapshot} is ${provisioningState}`)
    : undefined;
}

/** A snapshot that this run requested and that does not belong to its set: it ended too late, or as a failure. */
function leftBehind(inquiry: Inquiry, { snapshot, disk, requestedMs }: Requested): string[] {
  const isOwn =
    inquiry.kind === 'found' && foreignBecause(inquiry.snapshot, disk, requestedMs) === undefined;
  return isOwn ? [snapshot] : [];
}

/** @param usual what a request waits for if nothing was wrong with it */
export function patienceOf(
  { put, endedNs }: Pick<DiskRequest, 'put' | 'endedNs'>,
  usual: string,
): Pick<SnapshotAnswer, 'patience'> {
  const usedMs =
    put.firedNs === undefined || endedNs === undefined
      ? undefined
      : remarkablePatienceMs(put.firedNs, endedNs, USUAL_OPERATION_MS);
  const waitedFor = put.trouble === undefined ? usual : describeWait(put.trouble);
  return usedMs === undefined ? {} : { patience: { usedMs, waitedFor } };
}

function managedOf(inquiry: Inquiry): ManagedSnapshot {
  if (inquiry.kind !== 'found') {
    return { isRead: false, completionPercent: undefined, accessState: undefined };
  }
  const { completionPercent, accessState } = inquiry.snapshot;
  return { isRead: true, completionPercent, accessState };
}
