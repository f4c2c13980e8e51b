import type { ExchangeEnd } from '../http/exchange.ts';
import { isSuccess } from './host-client.ts';

/** Codes that stand for calls without a usable answer (host-api.md, Status codes). */
export const NO_ANSWER = 555;
export const SERVICE_NOT_RUNNING = 556;
export const EMPTY_SUCCESS = 557;
export const UNEXPECTED_FAILURE = 558;

/** How the service's own errors begin; anything else behind a 500 comes from somebody in its place. */
const OWN_ERROR = /^\s*\{\s*"error"/;

/** What telemetry calls the end of a call: its HTTP status, or one of the codes above. */
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

/** The answer's body; empty where there is no answer. */
export function bodyText(end: ExchangeEnd): string {
  return 'answer' in end ? Buffer.concat(end.answer.body).toString('utf8') : '';
}

/** A code in words, for people. */
export function describeHostStatusCode(statusCode: number): string {
  switch (statusCode) {
    case NO_ANSWER:
      return 'did not answer (555)';
    case SERVICE_NOT_RUNNING:
      return 'is not running (a 500 that is not its own: 556)';
    case EMPTY_SUCCESS:
      return 'answered with a success and an empty body (557)';
    case UNEXPECTED_FAILURE:
      return 'gave an answer that cannot be understood (558)';
    default:
      return `answered HTTP ${statusCode}`;
  }
}
