import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf } from '../../system/errno.ts';
import { retryAfterMsOf } from '../http/attempt.ts';

/** An answer of the instance metadata service. */
export interface ImdsAnswer {
  readonly status: number;
  readonly retryAfterMs: number | undefined;
  readonly body: string;
}

/** The result of a call with all its tries: its last answer, or why there was none. */
export type ImdsResult = ImdsAnswer | { readonly unanswered: string };

/** Sends one request; rejects if no answer comes. */
export type ImdsSend = (path: string, limitMs: number) => Promise<ImdsAnswer>;

/** The address of the service is the same on every VM; only the VM itself can reach it. */
const ORIGIN = 'http://169.254.169.254';
const ANSWER_LIMIT_MS = 10_000;
const BODY_LIMIT_BYTES = 512 * 1_024;
/** While the service is updated it answers 410 for up to 70 s. */
const LIMIT_MS = 75_000;
/** Without any answer the machine is probably no Azure VM. */
const UNANSWERED_TRIES = 3;
const FIRST_PAUSE_MS = 800;
const LONGEST_PAUSE_MS = 16_000;
const GONE_PAUSE_MS = 3_000;

/** What follows a try: the pause before the next one, or undefined if its result is final. Pure. */
export function pauseAfter(
  result: ImdsResult,
  tries: number,
  elapsedMs: number,
): number | undefined {
  const doubled = Math.min(FIRST_PAUSE_MS * 2 ** (tries - 1), LONGEST_PAUSE_MS);
  if ('unanswered' in result) {
    return tries < UNANSWERED_TRIES ? doubled : undefined;
  }
  const { status, retryAfterMs = 0 } = result;
  const mayPass = status === 404 || status === 410 || status === 429 || status >= 500;
  const least = status === 410 ? GONE_PAUSE_MS : 0;
  const pauseMs = Math.max(doubled, retryAfterMs, least);
  return mayPass && elapsedMs + pauseMs < LIMIT_MS ? pauseMs : undefined;
}

/**
 * Asks the instance metadata service, again and again if it says that it may pass (section Errors of its documentation),
 * for at most 75 s. Never through a proxy, whatever the environment says: the service refuses forwarded requests.
 *
 * @param path path and query, below `/metadata`
 */
export async function askImds(
  path: string,
  send: ImdsSend = sendToImds,
  abort?: AbortSignal,
): Promise<ImdsResult> {
  const startNs = process.hrtime.bigint();
  for (let tries = 1; ; tries += 1) {
    const result = await send(path, ANSWER_LIMIT_MS).catch(
      (error: unknown): ImdsResult => ({ unanswered: reasonOf(error) }),
    );
    const elapsedMs = Number(process.hrtime.bigint() - startNs) / 1e6;
    const pauseMs = pauseAfter(result, tries, elapsedMs);
    if (pauseMs === undefined) {
      return result;
    }
    await sleep(pauseMs, undefined, abort === undefined ? {} : { signal: abort });
  }
}

function reasonOf(error: unknown): string {
  return errnoOf(error) ?? (error instanceof Error ? error.message : 'unknown error');
}

async function sendToImds(path: string, limitMs: number): Promise<ImdsAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<ImdsAnswer>();
  // An agent of its own: the global one follows proxy settings of the environment (NODE_USE_ENV_PROXY).
  const agent = new Agent({ keepAlive: false });
  const options = {
    agent,
    headers: { Metadata: 'true' },
    signal: AbortSignal.timeout(limitMs),
  };
  const request = get(`${ORIGIN}${path}`, options, (response) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes > BODY_LIMIT_BYTES) {
        request.destroy(new Error('the answer is too long'));
      }
    });
    response.on('error', reject);
    response.on('end', () => {
      resolve({
        status: response.statusCode ?? 0,
        retryAfterMs: retryAfterMsOf(response.headers),
        body: Buffer.concat(chunks).toString('utf8'),
      });
    });
  });
  request.on('error', (error) => {
    reject(
      error.name === 'AbortError' || error.name === 'TimeoutError'
        ? new Error(`no answer within ${limitMs / 1_000} s`)
        : error,
    );
  });
  return await promise.finally(() => agent.destroy());
}
