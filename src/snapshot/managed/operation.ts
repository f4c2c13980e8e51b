import * as v from 'valibot';
import { headerText, type RawAnswer, retryAfterMsOf } from '../http/attempt.ts';
import { jsonOf } from './json-of.ts';
import { type ServiceError, serviceErrorIn } from './service-error.ts';

/** How far the operation behind a snapshot is, as one answer shows it. */
export type Progress =
  /** The operation, or the resource, says `Succeeded`: the point in time of the snapshot has passed. */
  | { readonly kind: 'succeeded' }
  /** `pauseMs`: what the service asks for before the next question; undefined: it asks for nothing. */
  | { readonly kind: 'running'; readonly pauseMs: number | undefined }
  | { readonly kind: 'failed'; readonly error: ServiceError }
  /** The answer does not say; another way to ask may. */
  | { readonly kind: 'unclear' };

/** Where the end of an operation is asked for, in order of preference. */
export type PollWay =
  /** The URL of `Azure-AsyncOperation`. */
  | { readonly kind: 'operation'; readonly path: string }
  /** The URL of `Location`. */
  | { readonly kind: 'location'; readonly path: string }
  /** The snapshot itself. */
  | { readonly kind: 'resource' };

const statusSchema = v.object({ status: v.string() });
const resourceSchema = v.object({
  properties: v.object({ provisioningState: v.optional(v.string(), '') }),
});

/** Whether a request for a snapshot was accepted. Any other status is a refusal. */
export function isAccepted(httpStatus: number): boolean {
  return httpStatus === 200 || httpStatus === 201 || httpStatus === 202;
}

/** What the accepting answer says of the operation. A 202 alone never says that the snapshot has its point in time. */
export function progressOfPut(answer: RawAnswer): Progress {
  return answer.httpStatus === 202 ? running(answer) : progressOfResource(answer);
}

/** Where to ask next. A URL of another server is not used: the token goes to the resource manager alone. */
export function pollWaysOf({ headers }: RawAnswer, origin: string): PollWay[] {
  const operation = ownPath(headerText(headers, 'azure-asyncoperation'), origin);
  const location = ownPath(headerText(headers, 'location'), origin);
  return [
    ...(operation === undefined ? [] : [{ kind: 'operation', path: operation } as const]),
    ...(location === undefined ? [] : [{ kind: 'location', path: location } as const]),
    { kind: 'resource' },
  ];
}

export function progressOfPoll(way: PollWay['kind'], answer: RawAnswer): Progress {
  switch (way) {
    case 'operation':
      return progressOfOperation(answer);
    case 'location':
      return answer.httpStatus === 202 ? running(answer) : progressOfResource(answer);
    case 'resource':
      return progressOfResource(answer);
  }
}

/** `Succeeded`, `Failed` and `Canceled` end an operation; every other word means that it is running. */
function progressOfOperation(answer: RawAnswer): Progress {
  const parsed = v.safeParse(statusSchema, bodyOf(answer));
  if (!parsed.success) {
    // An answer of 202 without a body is a running operation too.
    return answer.httpStatus === 202 ? running(answer) : { kind: 'unclear' };
  }
  return progressOfWord(parsed.output.status, answer);
}

function progressOfResource(answer: RawAnswer): Progress {
  const parsed = v.safeParse(resourceSchema, bodyOf(answer));
  const state = parsed.success ? parsed.output.properties.provisioningState : '';
  return state === '' ? { kind: 'unclear' } : progressOfWord(state, answer);
}

function progressOfWord(word: string, answer: RawAnswer): Progress {
  if (hasFailed(word)) {
    return { kind: 'failed', error: serviceErrorIn(answer.body) ?? { code: word, message: '' } };
  }
  return word.toLowerCase() === 'succeeded' ? { kind: 'succeeded' } : running(answer);
}

/** Whether an operation, or a resource by its `provisioningState`, ended without success. */
export function hasFailed(state: string): boolean {
  return /^(?:failed|cancell?ed)$/i.test(state);
}

function running({ headers }: RawAnswer): Progress {
  return { kind: 'running', pauseMs: retryAfterMsOf(headers) };
}

function bodyOf({ body }: RawAnswer): unknown {
  return jsonOf(Buffer.concat(body).toString('utf8'));
}

/** Path and query of a URL of this origin; undefined for any other. */
export function ownPath(url: string | undefined, origin: string): string | undefined {
  if (url === undefined || !URL.canParse(url)) {
    return undefined;
  }
  const { origin: its, pathname, search, username } = new URL(url);
  return its === origin && username === '' ? `${pathname}${search}` : undefined;
}
