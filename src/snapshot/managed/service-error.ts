import * as v from 'valibot';
import { jsonOf } from './json-of.ts';

/** What the resource manager, or the service behind it, says of a failure. */
export interface ServiceError {
  readonly code: string;
  /** For people, in one line; may be empty. */
  readonly message: string;
}

const errorSchema = v.object({
  code: v.optional(v.nullable(v.string()), ''),
  message: v.optional(v.nullable(v.string()), ''),
});
/** The resource manager wraps its errors, the compute service does not. */
const bodySchema = v.union([v.object({ error: errorSchema }), errorSchema]);

const MESSAGE_CHARACTERS = 400;

/** The error in the body of an answer, wrapped or bare; undefined if there is none. */
export function serviceErrorIn(body: readonly Uint8Array[]): ServiceError | undefined {
  const parsed = v.safeParse(bodySchema, jsonOf(Buffer.concat(body).toString('utf8')));
  if (!parsed.success) {
    return undefined;
  }
  const { code, message } = 'error' in parsed.output ? parsed.output.error : parsed.output;
  return code !== null && /^\w{1,100}$/.test(code)
    ? { code, message: oneLine(message ?? '') }
    : undefined;
}

function oneLine(text: string): string {
  // A URL in it may hold a signature; its query is not shown.
  return text
    .replaceAll(/(https?:\/\/[^\s?'"]{1,300})\?[^\s'"]*/gi, '$1')
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, MESSAGE_CHARACTERS);
}
