import type { ErrorCode } from '../../errors.ts';
import { headerText, type RawAnswer, retryAfterMsOf } from '../http/attempt.ts';
import type { ExchangeEnd } from '../http/exchange-end.ts';
import { failureWithoutAnswer } from '../http/failures.ts';
import type { RequestFailure } from '../snapshot-types.ts';
import { type ServiceError, serviceErrorIn } from './service-error.ts';

/** A disk of which no snapshot can be taken, in the form of a refused request. */
export function failureOfDisk(problem: string): RequestFailure {
  return {
    kind: 'http',
    message: problem,
    httpStatus: undefined,
    serviceCode: undefined,
    requestId: undefined,
  };
}

/** What a request was for: which right it needs, on which resource. */
export interface Purpose {
  /** Such as `Microsoft.Compute/disks/read`. */
  readonly action: string;
  /** Resource id. */
  readonly scope: string;
  /** The id of the disk, for the right that the service checks along with the request for its snapshot. */
  readonly disk: string;
}

/** Needed for the disk, besides the right to write snapshots. */
const LINKED_ACTION = 'Microsoft.Compute/disks/beginGetAccess/action';

/** What a refusal means and what to do, for people. */
export type Explain = (httpStatus: number, error: ServiceError | undefined) => string;

/** Why a request about a disk or its snapshot did not succeed. */
export function failureOfEnd(
  end: ExchangeEnd | undefined,
  origin: string,
  purpose: Purpose,
): RequestFailure {
  return failureOfExchange(end, origin, (httpStatus, error) => explain(httpStatus, error, purpose));
}

/** Why an exchange with the resource manager did not succeed; an answer counts as a refusal, whatever its status. */
export function failureOfExchange(
  end: ExchangeEnd | undefined,
  origin: string,
  explain: Explain,
): RequestFailure {
  switch (end?.kind) {
    case 'succeeded':
    case 'refused':
      return refusal(end.answer, origin, explain);
    case 'broken':
      return withoutAnswer(end.failure, origin, end.code);
    case 'cut':
      return withoutAnswer(end.reason, origin);
    case undefined:
      return withoutAnswer('aborted', origin);
  }
}

export function withoutAnswer(
  kind: Exclude<RequestFailure['kind'], 'http' | 'command'>,
  origin: string,
  code?: string,
): RequestFailure {
  const failure = failureWithoutAnswer(kind, origin, code);
  return kind === 'protocol'
    ? {
        ...failure,
        message: `${origin}: the answer is not from the resource manager; check that no proxy or gateway answers in its place`,
      }
    : failure;
}

/** Every answer of the resource manager has such a header; the page of a gateway or captive portal has none. */
export function isOfManager({ headers }: RawAnswer): boolean {
  return Object.keys(headers).some((name) => name.startsWith('x-ms-'));
}

function refusal(answer: RawAnswer, origin: string, explain: Explain): RequestFailure {
  const { httpStatus } = answer;
  if (httpStatus < 500 && !isOfManager(answer)) {
    return withoutAnswer('protocol', origin);
  }
  const error = serviceErrorIn(answer.body);
  const told = error === undefined ? `HTTP ${httpStatus}` : `HTTP ${httpStatus} ${error.code}`;
  return {
    kind: 'http',
    message: `${origin} answered ${told}${waitIn(answer)}: ${explain(httpStatus, error)}`,
    httpStatus,
    serviceCode: error?.code,
    requestId: requestIdOf(answer),
  };
}

/** What a throttled request is told; asking earlier would begin the wait anew. */
function waitIn({ httpStatus, headers }: RawAnswer): string {
  const askedMs = retryAfterMsOf(headers);
  return httpStatus !== 429 || askedMs === undefined
    ? ''
    : ` (not before ${askedMs / 1_000} s have passed)`;
}

/** For an operation that was accepted and then ended without a snapshot. */
export function failureOfOperation(
  { code, message }: ServiceError,
  origin: string,
  httpStatus: number | undefined,
  requestId: string | undefined,
): RequestFailure {
  const text = message === '' ? '' : ` “${message}”`;
  return {
    kind: 'http',
    message: `${origin}: the operation that takes its snapshot ended with ${code}${text}; try again, and look at the activity log of the disk if it happens again`,
    httpStatus,
    serviceCode: code,
    requestId,
  };
}

/** A short plain token only, because texts of a server are printed. */
export function requestIdOf({ headers }: RawAnswer): string | undefined {
  const text = headerText(headers, 'x-ms-request-id');
  return text !== undefined && /^[\w:.-]{1,100}$/.test(text) ? text : undefined;
}

export const GRANT =
  'assign a role that has it (docs, managed-disks.md, has one); an assignment takes up to 10 minutes to work';

function explain(
  httpStatus: number,
  error: ServiceError | undefined,
  { action, scope, disk }: Purpose,
): string {
  const text = error === undefined || error.message === '' ? '' : ` “${error.message}”`;
  switch (error?.code) {
    case 'LinkedAuthorizationFailed':
      return `the VM's identity may write the snapshot, but lacks ${LINKED_ACTION} on ${disk}: ${GRANT}`;
    case 'RequestDisallowedByPolicy':
      return `an Azure Policy does not permit the snapshot (missing tags, network access, SKU …): give --tag, choose another --resource-group, or change the policy.${text}`;
    case 'ScopeLocked':
      return `a read-only lock on the snapshot, its resource group or the subscription: remove it, or choose another --resource-group.${text}`;
    case 'ResourceGroupNotFound':
      return `the resource group does not exist, or the VM's identity sees nothing in it: check --resource-group.${text}`;
  }
  if (httpStatus === 401) {
    return `the token of the VM's identity was refused; check the clock of the VM, then try again.${text}`;
  }
  if (httpStatus === 403) {
    return `the VM's identity lacks ${action} on ${scope}: ${GRANT}`;
  }
  if (httpStatus === 404) {
    return `${scope} does not exist: the disk may have been detached or deleted a moment ago.${text}`;
  }
  if (httpStatus === 429) {
    return `the subscription or the disk gets too many requests now; try again later.${text}`;
  }
  return httpStatus >= 500
    ? `the service is failing or busy; try again later.${text}`
    : `the service refuses the request.${text}`;
}

/** The code of the error that ends a run whose preflight failed. */
export function diskErrorCode({ kind, httpStatus }: RequestFailure): ErrorCode {
  if (kind !== 'http') {
    return 'FF_DISK_UNREACHABLE';
  }
  if (httpStatus === 401) {
    return 'FF_IDENTITY_UNUSABLE';
  }
  if (httpStatus === 404) {
    return 'FF_DISK_NOT_FOUND';
  }
  return httpStatus !== undefined && (httpStatus === 429 || httpStatus >= 500)
    ? 'FF_DISK_UNREACHABLE'
    : 'FF_DISK_REFUSED';
}
