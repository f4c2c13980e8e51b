import { withLimits } from '../blob/patience.ts';
import type { RequestFailure, SnapshotAnswer } from '../snapshot-types.ts';
import { orphanOf, patienceOf, seconds, statusOf } from './disk-answer.ts';
import { failureOfDisk, requestIdOf, withoutAnswer } from './disk-failures.ts';
import type { DiskRequest } from './disk-request.ts';
import { hasFailed } from './operation.ts';
import {
  failureOfPointOperation,
  POINT_ACTIONS,
  pointFailureOfEnd,
} from './restore-point-failures.ts';
import { type PointResource, restorePointOf, strangeBecause } from './restore-point-resource.ts';
import type { ChosenDisk } from './select-disks.ts';

/** What the service says of the point after the thaw. */
export type PointInquiry =
  | { readonly kind: 'found'; readonly point: PointResource }
  | { readonly kind: 'absent' }
  /** It was not asked, or it did not say. */
  | { readonly kind: 'unknown' };

export interface RequestedPoint {
  readonly origin: string;
  /** Id of the point. */
  readonly point: string;
  /** When the request left, by the clock of the service, at the earliest. */
  readonly requestedMs: number | undefined;
}

const TARGET = 0;

/** The answer about the whole point, when its request has ended. */
export function answerOfPoint(
  request: Pick<DiskRequest, 'put' | 'end' | 'endedNs' | 'accepted' | 'mayHaveSnapshot'>,
  inquiry: PointInquiry,
  requested: RequestedPoint,
): SnapshotAnswer {
  const { put, end, endedNs, accepted } = request;
  const failure = failureOf(request, inquiry, requested);
  const isTaken = failure === undefined;
  const isLeft = !isTaken && isOwn(inquiry, requested);
  return {
    target: TARGET,
    attempts: put.attempts,
    firedNs: put.firedNs,
    acknowledgedNs: end?.kind === 'succeeded' ? endedNs : undefined,
    httpStatus: statusOf(request),
    snapshot: isTaken ? requested.point : undefined,
    requestId: accepted && requestIdOf(accepted),
    failure,
    ...orphanOf(!isTaken && inquiry.kind !== 'found' && request.mayHaveSnapshot, requested.point),
    surplus: isLeft ? [requested.point] : [],
    ...patienceOf(request, 'the end of the operation that makes the restore point'),
    ...(isTaken && {
      managed: {
        isRead: inquiry.kind === 'found',
        completionPercent: undefined,
        accessState: undefined,
      },
    }),
  };
}

/** One answer for each disk, if the service says what is in the point; otherwise that of the point. */
export function answersByDisk(
  whole: SnapshotAnswer,
  inquiry: PointInquiry,
  disks: readonly ChosenDisk[],
): SnapshotAnswer[] {
  if (whole.snapshot === undefined || inquiry.kind !== 'found') {
    return [whole];
  }
  return disks.map((chosen): SnapshotAnswer => {
    const snapshot = restorePointOf(inquiry.point, chosen);
    const disk = { id: chosen.id.text, lun: chosen.disk.lun };
    return snapshot === undefined
      ? {
          ...{ ...whole, disk, snapshot },
          failure: failureOfDisk(
            `the restore point ${whole.snapshot} does not contain this disk: was it detached meanwhile?`,
          ),
        }
      : { ...whole, disk, snapshot };
  });
}

function failureOf(
  { put, end, accepted }: Pick<DiskRequest, 'put' | 'end' | 'accepted'>,
  inquiry: PointInquiry,
  { origin, point, requestedMs }: RequestedPoint,
): RequestFailure | undefined {
  const purpose = { action: POINT_ACTIONS.writePoint, scope: point };
  switch (end?.kind) {
    case 'succeeded':
      return contradictionOf(inquiry, point, requestedMs);
    case 'operation-failed':
      return failureOfPointOperation(end.error, origin, accepted);
    case 'exchange': {
      const of = end.exchange.end;
      const action = end.exchange === put ? purpose.action : POINT_ACTIONS.readPoint;
      return withLimits(pointFailureOfEnd(of, origin, { ...purpose, action }), of);
    }
    case 'no-time':
      return late(
        origin,
        `was still running, and the service asked for ${seconds(end.pauseMs)} before the next question, with ${seconds(end.remainingMs)} left (see --patience and --timeout)`,
      );
    case 'cut':
      return end.reason === 'timeout' && accepted !== undefined
        ? late(
            origin,
            'had not ended in time (patience and timeout limit it: see --patience and --timeout)',
          )
        : withLimits(withoutAnswer(end.reason, origin), undefined);
    case undefined:
      return withoutAnswer('aborted', origin);
  }
}

function late(origin: string, what: string): RequestFailure {
  return {
    ...withoutAnswer('timeout', origin),
    message: `${origin}: the operation that makes the restore point ${what}`,
  };
}

/** The service said that the operation succeeded; what it says of the point may contradict. */
function contradictionOf(
  inquiry: PointInquiry,
  point: string,
  requestedMs: number | undefined,
): RequestFailure | undefined {
  if (inquiry.kind === 'absent') {
    return failureOfDisk(
      `the operation succeeded, but ${point} does not exist; was it deleted meanwhile?`,
    );
  }
  if (inquiry.kind !== 'found') {
    return undefined;
  }
  const because = strangeBecause(inquiry.point, requestedMs);
  if (because !== undefined) {
    return failureOfDisk(`no new restore point was made: ${because}; give another --name-prefix`);
  }
  const { provisioningState } = inquiry.point;
  return hasFailed(provisioningState)
    ? failureOfDisk(`the operation succeeded, but the state of ${point} is ${provisioningState}`)
    : undefined;
}

function isOwn(inquiry: PointInquiry, { requestedMs }: RequestedPoint): boolean {
  return inquiry.kind === 'found' && strangeBecause(inquiry.point, requestedMs) === undefined;
}
