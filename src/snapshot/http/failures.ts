import type { RequestFailure } from '../snapshot-types.ts';
import { describeTrust } from './authorities.ts';

type Kind = Exclude<RequestFailure['kind'], 'command'>;
/** What an error of the connection can be classified as. */
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
 * Classifies an error that the connection throws. Uses only its code, because messages vary.
 *
 * @param sent whether the request had left; if the connection breaks earlier, it never carried the request
 */
export function classifyError(error: unknown, sent: boolean): BrokenKind {
  const code = errorCode(error);
  if (code.startsWith('PROXY_')) {
    return 'proxy';
  }
  if (code === 'ECONNREFUSED') {
    return 'refused';
  }
  if (isTlsCode(code)) {
    return 'tls';
  }
  // undici 8.12 tries to give its parser's errors a code, but its table does not contain any.
  if (PROTOCOL_CODE.test(code) || (error instanceof Error && error.name === 'HTTPParserError')) {
    return 'protocol';
  }
  return NOT_REACHED.has(code) || (code === 'ETIMEDOUT' && !sent) ? 'connect' : 'reset';
}

/** The symbolic code of an error; `unknown` if it has none that may be printed. */
export function errorCode(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^\w{1,64}$/.test(code) ? code : 'unknown';
}

/** Describes a failure without an answer. `origin` is scheme, host and port. */
export function failureWithoutAnswer(
  kind: Exclude<Kind, 'http'>,
  origin: string,
  code?: string,
): RequestFailure {
  const detail = code === undefined || code === 'unknown' ? '' : ` (${code})`;
  return {
    kind,
    message: `${origin}: ${SAYING[kind]}${detail}${kind === 'tls' ? tlsAdvice(code) : (ADVICE[kind] ?? '')}`,
    httpStatus: undefined,
    serviceCode: undefined,
    requestId: undefined,
  };
}

/** As the end of a sentence. */
export function sayingOf(kind: BrokenKind): string {
  return SAYING[kind];
}

const SAYING: Record<Exclude<Kind, 'http'>, string> = {
  connect: 'cannot be reached',
  proxy: 'the proxy did not open a tunnel to it',
  refused: 'refuses the connection',
  tls: 'TLS failed',
  timeout: 'no complete answer within the time limit',
  reset: 'the connection was closed before the answer was complete',
  protocol: 'the answer is not from the Blob service',
  aborted: 'the request was cancelled',
};

const ADVICE: Partial<Record<Kind, string>> = {
  connect: '; check the name, the network and the firewall',
  proxy:
    '; check HttpProxy.Host and HttpProxy.Port in /etc/waagent.conf, HTTPS_PROXY, and NO_PROXY for hosts that need no proxy',
  refused: '; check the port and that the service runs',
  protocol:
    '; check that the URL names a blob and that no proxy or gateway answers instead of the service',
};

/** No chain of certificates led to an authority that is trusted. */
const UNKNOWN_AUTHORITY =
  /^(UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?|UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|CERT_UNTRUSTED)$/;
const WRONG_TIME = /^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/;
const WRONG_NAME = /^(ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH)$/;

/** What to do about a failure of TLS, to be appended to a sentence. */
export function tlsAdvice(code = ''): string {
  if (UNKNOWN_AUTHORITY.test(code)) {
    return `; no trusted authority signed the server's certificate. Trusted are: ${describeTrust()}. If a private authority signed it, add its certificate to those of the system (update-ca-certificates or update-ca-trust), or set NODE_EXTRA_CA_CERTS or SSL_CERT_FILE to a PEM file with it before you start flashfreeze`;
  }
  if (WRONG_NAME.test(code)) {
    return "; the server's certificate is for another name: check the URL, and whether a proxy or gateway answers instead of the service";
  }
  return WRONG_TIME.test(code)
    ? "; the server's certificate is not valid now: check the clock of this machine, and the certificate"
    : '; check that the port speaks TLS, and that no proxy or gateway interferes';
}

/** Whether an error of a connection is one of TLS. */
export function isTlsCode(code: string): boolean {
  return TLS_CODE.test(code);
}

/** The code of a failed request, with what to do if TLS failed. */
export function withTlsAdvice(code: string): string {
  return isTlsCode(code) ? `${code}${tlsAdvice(code)}` : code;
}
