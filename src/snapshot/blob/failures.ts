import type { ErrorCode } from '../../errors.ts';
import type { RequestFailure } from '../model.ts';

type Kind = Exclude<RequestFailure['kind'], 'command'>;
/** What an error of the connection can mean. */
export type BrokenKind = Extract<
  Kind,
  'connect' | 'proxy' | 'refused' | 'reset' | 'tls' | 'protocol'
>;

const NOT_REACHED = new Set([
  'EAI_AGAIN',
  'EAI_FAIL',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'UND_ERR_CONNECT_TIMEOUT',
]);
const TLS_CODE = /CERT|^ERR_(SSL|TLS)|^EPROTO$|^UNABLE_TO_|^HOSTNAME_MISMATCH$|^CRL_/;
const PROTOCOL_CODE = /^HPE_|^UND_ERR_(HEADERS_OVERFLOW|RES_|RESPONSE_)|^ERR_ASSERTION$/;

/**
 * What an error thrown by the connection means, told by its code only (messages vary).
 *
 * @param sent whether the request had left: a connection that breaks before never carried it
 */
export function classifyError(error: unknown, sent: boolean): BrokenKind {
  const code = errorCode(error);
  if (code.startsWith('PROXY_')) {
    return 'proxy';
  }
  if (code === 'ECONNREFUSED') {
    return 'refused';
  }
  if (TLS_CODE.test(code)) {
    return 'tls';
  }
  // undici 8.12 means to give its parser's errors a code, but looks it up in a table that has none.
  if (PROTOCOL_CODE.test(code) || (error instanceof Error && error.name === 'HTTPParserError')) {
    return 'protocol';
  }
  return NOT_REACHED.has(code) || (code === 'ETIMEDOUT' && !sent) ? 'connect' : 'reset';
}

/** The symbolic code of an error, `unknown` where there is none fit to print. */
export function errorCode(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^\w{1,64}$/.test(code) ? code : 'unknown';
}

/** A failure without an answer, in words. `origin` is scheme, host and port. */
export function failureWithoutAnswer(
  kind: Exclude<Kind, 'http'>,
  origin: string,
  code?: string,
): RequestFailure {
  const detail = code === undefined || code === 'unknown' ? '' : ` (${code})`;
  return {
    kind,
    message: `${origin}: ${SAYING[kind]}${detail}${ADVICE[kind] ?? ''}`,
    httpStatus: undefined,
    serviceCode: undefined,
    requestId: undefined,
  };
}

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

const SAYING: Record<Exclude<Kind, 'http'>, string> = {
  connect: 'cannot be reached',
  proxy: 'the proxy opened no way to it',
  refused: 'refuses the connection',
  tls: 'TLS failed',
  timeout: 'no complete answer within the time allowed',
  reset: 'the connection was closed before the answer was complete',
  protocol: 'the answer is not one of the Blob service',
  aborted: 'the request was given up',
};

const ADVICE: Partial<Record<Kind, string>> = {
  connect: '; check the name, the network and the firewall',
  proxy:
    '; check HttpProxy.Host and HttpProxy.Port in /etc/waagent.conf, HTTPS_PROXY, and NO_PROXY for what needs no proxy',
  refused: '; check the port and that the service runs',
  tls: '; the server must show a certificate for this name that the system trusts. If a private authority signed it, set NODE_EXTRA_CA_CERTS=<its certificate in PEM> before the start',
  protocol: '; check that the URL is that of a blob and that no proxy is in between',
};

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
