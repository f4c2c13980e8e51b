import type { ErrorCode } from '../../errors.ts';
import type { RequestFailure } from '../snapshot-types.ts';

/** For a target whose request was not sent because the run ended first; the run reports its own cause. */
export function failureUnsent(origin: string): RequestFailure {
  return {
    kind: 'aborted',
    message: `${origin}: no request was sent, because the run was cancelled first`,
    httpStatus: undefined,
    serviceCode: undefined,
    requestId: undefined,
  };
}

/** For an answer in which the service reports a failure. */
export function failureOfAnswer(
  origin: string,
  httpStatus: number,
  serviceCode: string | undefined,
  requestId: string | undefined,
): RequestFailure {
  const name =
    serviceCode === undefined ? `HTTP ${httpStatus}` : `HTTP ${httpStatus} ${serviceCode}`;
  const advice = answerAdvice(httpStatus, serviceCode);
  return {
    kind: 'http',
    message: `${origin} answered ${name}${advice === undefined ? '' : `: ${advice}`}`,
    httpStatus,
    serviceCode,
    requestId,
  };
}

const LACKS_PERMISSION = 'the SAS lacks a permission; a snapshot needs write or create (sp=…w…)';

/** For a SAS that itself shows that it does not permit a snapshot; no request was sent. */
export function failureOfPermissions(origin: string): RequestFailure {
  return {
    kind: 'http',
    message: `${origin}: no request was sent: ${LACKS_PERMISSION}`,
    httpStatus: undefined,
    serviceCode: undefined,
    requestId: undefined,
  };
}

const CODE_ADVICE: Readonly<Record<string, string>> = {
  AuthenticationFailed:
    'the SAS is expired, not valid yet, or not for this blob; ask for a new one and check the clock',
  AuthorizationPermissionMismatch: LACKS_PERMISSION,
  BlobNotFound: 'the blob does not exist; check the names of container and blob',
  ContainerNotFound: 'the container does not exist; check its name',
  SnapshotOperationRateExceeded:
    'a premium page blob takes one snapshot every 10 minutes; try again later',
  SnapshotCountExceeded: 'the blob has the maximum number of snapshots; delete some',
};

function answerAdvice(httpStatus: number, serviceCode: string | undefined): string | undefined {
  const byCode = serviceCode === undefined ? undefined : CODE_ADVICE[serviceCode];
  if (byCode !== undefined) {
    return byCode;
  }
  if (httpStatus === 403) {
    return "the SAS or the account's network rules do not permit the request";
  }
  if (httpStatus === 404) {
    return 'the blob does not exist; check the names of account, container and blob';
  }
  return httpStatus >= 500 ? 'the service is failing or busy; try again later' : undefined;
}

/** The code of the error that ends a run whose preflight failed. */
export function preflightErrorCode({ kind, httpStatus }: RequestFailure): ErrorCode {
  if (kind !== 'http') {
    return 'FF_BLOB_UNREACHABLE';
  }
  if (httpStatus === 404) {
    return 'FF_BLOB_NOT_FOUND';
  }
  return httpStatus !== undefined && httpStatus >= 500 ? 'FF_BLOB_UNREACHABLE' : 'FF_BLOB_REFUSED';
}
