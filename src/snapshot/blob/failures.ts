import type { ErrorCode } from '../../errors.ts';
import type { RequestFailure } from '../snapshot-types.ts';

/** The run was over before its turn came: what ended it is told for itself. */
export function failureUnsent(origin: string): RequestFailure {
  return {
    kind: 'aborted',
    message: `${origin}: no request was sent, because the run was called off before its turn came`,
    httpStatus: undefined,
    serviceCode: undefined,
    requestId: undefined,
  };
}

/** A failure that the service put into its answer. */
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

/** The SAS itself says that it does not permit a snapshot; the service was not asked. */
export function failureOfPermissions(origin: string): RequestFailure {
  return {
    kind: 'http',
    message: `${origin} was not asked: ${LACKS_PERMISSION}`,
    httpStatus: undefined,
    serviceCode: undefined,
    requestId: undefined,
  };
}

const CODE_ADVICE: Readonly<Record<string, string>> = {
  AuthenticationFailed:
    'the SAS is expired, not valid yet, or not for this blob; ask for a new one and check the clock',
  AuthorizationPermissionMismatch: LACKS_PERMISSION,
  BlobNotFound: 'there is no such blob; check container and blob name',
  ContainerNotFound: 'there is no such container; check the name',
  SnapshotOperationRateExceeded:
    'a premium page blob takes one snapshot every 10 minutes; try again later',
  SnapshotCountExceeded: 'the blob holds the most snapshots it can; delete some',
};

function answerAdvice(httpStatus: number, serviceCode: string | undefined): string | undefined {
  const byCode = serviceCode === undefined ? undefined : CODE_ADVICE[serviceCode];
  if (byCode !== undefined) {
    return byCode;
  }
  if (httpStatus === 403) {
    return 'the SAS or the network rules of the account do not permit it';
  }
  if (httpStatus === 404) {
    return 'there is no such blob; check account, container and blob name';
  }
  return httpStatus >= 500 ? 'the service is in trouble or busy; try again later' : undefined;
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
