import type { RequestFailure } from '../snapshot-types.ts';

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
