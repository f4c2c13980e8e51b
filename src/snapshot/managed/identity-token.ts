import * as v from 'valibot';
import { FlashfreezeError } from '../../errors.ts';
import { askImds, type ImdsAnswer, type ImdsSend } from './imds-client.ts';
import { jsonOf } from './json-of.ts';

/** A token of the VM's managed identity. Secret. */
export interface IdentityToken {
  readonly text: string;
  /** By the wall clock. */
  readonly expiresMs: number;
}

const number = v.pipe(
  v.union([v.string(), v.number()]),
  v.transform(Number),
  v.finite(),
  v.minValue(1),
);
const tokenSchema = v.object({
  access_token: v.pipe(v.string(), v.regex(/^[\w.~+/=-]{16,16384}$/)),
  expires_on: number,
});
const errorSchema = v.object({
  error: v.pipe(v.string(), v.regex(/^\w{1,60}$/)),
  error_description: v.optional(v.string(), ''),
});

const DESCRIPTION_CHARACTERS = 200;

/**
 * Gets a token of the VM's managed identity for the resource manager.
 *
 * @param audience of the resource manager, with a slash at its end
 * @param clientId of a user-assigned identity; undefined: the only identity of the VM
 * @throws FlashfreezeError FF_METADATA_UNREACHABLE, FF_IDENTITY_UNUSABLE
 */
export async function fetchToken(
  audience: string,
  clientId: string | undefined,
  send?: ImdsSend,
  abort?: AbortSignal,
): Promise<IdentityToken> {
  const query = new URLSearchParams({ 'api-version': '2018-02-01', resource: audience });
  if (clientId !== undefined) {
    query.set('client_id', clientId);
  }
  const result = await askImds(`/metadata/identity/oauth2/token?${query}`, send, abort);
  if ('unanswered' in result) {
    throw new FlashfreezeError(
      'FF_METADATA_UNREACHABLE',
      `the instance metadata service at 169.254.169.254 gave no token (${result.unanswered}); nothing was frozen. Check that this is an Azure VM and that nothing keeps this address from it`,
    );
  }
  return tokenIn(result, clientId);
}

/**
 * Reads the service's answer. It tells apart what went wrong only by `error` and by what was asked: the description may
 * change. Pure.
 *
 * @throws FlashfreezeError FF_IDENTITY_UNUSABLE, FF_METADATA_UNREACHABLE
 */
export function tokenIn({ status, body }: ImdsAnswer, clientId: string | undefined): IdentityToken {
  if (status === 200) {
    const parsed = v.safeParse(tokenSchema, jsonOf(body));
    if (!parsed.success) {
      throw new FlashfreezeError(
        'FF_METADATA_INVALID',
        'the instance metadata service answered the request for a token with something else than a token; nothing was frozen. Try again',
      );
    }
    const { access_token: text, expires_on: seconds } = parsed.output;
    return { text, expiresMs: seconds * 1_000 };
  }
  const told = v.safeParse(errorSchema, jsonOf(body));
  const code = told.success ? ` ${told.output.error}` : '';
  const description = told.success ? quoted(told.output.error_description) : '';
  if (status === 429 || status >= 500 || status === 404 || status === 410) {
    throw new FlashfreezeError(
      'FF_METADATA_UNREACHABLE',
      `the instance metadata service answered HTTP ${status}${code} to every request for a token${description}; nothing was frozen. Try again later`,
    );
  }
  throw new FlashfreezeError(
    'FF_IDENTITY_UNUSABLE',
    `the VM got no token (HTTP ${status}${code})${description}; nothing was frozen. ${adviceOn(clientId)}`,
  );
}

function adviceOn(clientId: string | undefined): string {
  return clientId === undefined
    ? 'Either the VM has no managed identity: enable one with az vm identity assign -g <group> -n <vm>. Or it has several: choose one with --identity <client id>'
    : `Expected --identity to name the client id of an identity that is assigned to this VM, not ${clientId}: see az vm identity show -g <group> -n <vm>`;
}

/** For people only, in one line. */
function quoted(description: string): string {
  const line = description
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, DESCRIPTION_CHARACTERS);
  return line === '' ? '' : `: “${line}”`;
}

/** How much longer than the window a token must live: the snapshots are read, and perhaps deleted, after the thaw. */
const LIFE_MARGIN_MS = 120_000;

/**
 * Until when a token must live for a run that begins now, or at its scheduled start. Pure.
 *
 * @param timeoutMs the longest time of the freeze
 */
export function neededUntilMs(nowMs: number, startAt: Date | undefined, timeoutMs: number): number {
  return Math.max(nowMs, startAt?.getTime() ?? 0) + timeoutMs + LIFE_MARGIN_MS;
}

/**
 * The error that ends a run before the freeze because the newest token does not live until its end; undefined if it does.
 * Pure.
 */
export function expiryError(
  { expiresMs }: IdentityToken,
  untilMs: number,
): FlashfreezeError | undefined {
  return expiresMs >= untilMs
    ? undefined
    : new FlashfreezeError(
        'FF_IDENTITY_UNUSABLE',
        `the newest token of the VM's identity expires at ${timeOf(expiresMs)}, but the run needs it until ${timeOf(untilMs)}; nothing was frozen. Check the clock of the VM, give an earlier --at or a shorter --timeout, or try again in a few minutes`,
      );
}

function timeOf(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString();
}
