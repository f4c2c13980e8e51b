import type { ExchangeEnd } from '../http/exchange-end.ts';
import { isSuccess } from './host-client.ts';

/** Codes for calls without a usable answer (host-api.md, Status codes). */
export const NO_ANSWER = 555;
export const SERVICE_NOT_RUNNING = 556;
export const EMPTY_SUCCESS = 557;
export const UNEXPECTED_FAILURE = 558;

/** The beginning of the service's own errors; a 500 with any other body comes from another server in its place. */
const OWN_ERROR = /^\s*\{\s*"error"/;

/** The end of a call as a number for telemetry: its HTTP status, or one of the codes above. */
export function hostStatusCode(end: ExchangeEnd): number {
  if (end.kind === 'broken' || end.kind === 'cut') {
    return NO_ANSWER;
  }
  const { httpStatus } = end.answer;
  const body = bodyText(end);
  if (isSuccess(httpStatus) && body.trim() === '') {
    return EMPTY_SUCCESS;
  }
  return httpStatus === 500 && !OWN_ERROR.test(body) ? SERVICE_NOT_RUNNING : httpStatus;
}

/** The answer's body; empty if there is no answer. */
export function bodyText(end: ExchangeEnd): string {
  return 'answer' in end ? Buffer.concat(end.answer.body).toString('utf8') : '';
}

/** Describes a code, for people. */
export function describeHostStatusCode(statusCode: number): string {
  switch (statusCode) {
    case NO_ANSWER:
      return 'did not answer (555)';
    case SERVICE_NOT_RUNNING:
      return 'is not running (another server answered HTTP 500: 556)';
    case EMPTY_SUCCESS:
      return 'answered with a success and an empty body (557)';
    case UNEXPECTED_FAILURE:
      return 'gave an answer that cannot be parsed (558)';
    default:
      return `answered HTTP ${statusCode}`;
  }
}
