import { setTimeout as delay } from 'node:timers/promises';
import { FlashfreezeError } from '../../errors.ts';
import { parseBlobUrl } from '../../snapshot/blob/blob-url.ts';

export interface UploadOptions {
  /** `http://[user:password@]host:port`; undefined: a direct connection, even if the environment names a proxy. */
  readonly proxy?: string | undefined;
  /** Time limit for all tries together; default: 60 s. */
  readonly timeLimitMs?: number;
  /** Cancels the upload at once. */
  readonly signal?: AbortSignal;
}

/** `message` is meant for people and holds no secret. */
export type UploadResult = { readonly ok: true } | { readonly ok: false; readonly message: string };

export const DEFAULT_UPLOAD_LIMIT_MS = 60_000;

/** blob-api.md, Status and log blobs. */
const MAX_STATUS_BYTES = 10 * 1024 * 1024;
const MAX_LOG_BYTES = 10 * 1024 * 1024;
const MAX_TRIES = 3;
const DELAYS_MS = [500, 2_000] as const;

/** Status codes after which a retry may succeed. */
const TRANSIENT_STATUSES: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

/**
 * Writes the text of the task's status to its blob, page or block blob (blob-api.md). Never rejects,
 * and ends within the time limit, so that it cannot fail a backup. Do not call it while anything is
 * frozen: it connects, and resolves names.
 *
 * @param uri SAS URI
 */
export function uploadStatusBlob(
  uri: string,
  text: string,
  options: UploadOptions = {},
): Promise<UploadResult> {
  return upload({ uri, text, name: 'status blob', maxBytes: MAX_STATUS_BYTES }, options);
}

/** Writes the task's log to its blob; of a log over 10 MiB it writes only the end. The text must hold no secret. */
export function uploadLogBlob(
  uri: string,
  text: string,
  options: UploadOptions = {},
): Promise<UploadResult> {
  return upload({ uri, text, name: 'log blob', maxBytes: MAX_LOG_BYTES }, options);
}

interface Upload {
  readonly uri: string;
  readonly text: string;
  /** For messages. */
  readonly name: string;
  readonly maxBytes: number;
}

async function upload(what: Upload, options: UploadOptions): Promise<UploadResult> {
  const { name, maxBytes } = what;
  const limitMs = options.timeLimitMs ?? DEFAULT_UPLOAD_LIMIT_MS;
  const tryLimitMs = Math.ceil(limitMs / MAX_TRIES);
  const limit = AbortSignal.timeout(limitMs);
  const over = options.signal === undefined ? limit : AbortSignal.any([limit, options.signal]);
  try {
    const uri = checkedUri(what);
    const body = tailOf(Buffer.from(what.text, 'utf8'), maxBytes);
    // Loaded here because loading takes half a second, which a task without blobs can save.
    const { BlobAccess } = await import('./blob-access.ts');
    using access = new BlobAccess(uri, options.proxy, tryLimitMs);
    await inThreeTries((signal) => access.write(body, signal), tryLimitMs, over);
    return { ok: true };
  } catch (error) {
    const why = over.aborted ? endedEarly(limit) : reasonOf(error);
    return { ok: false, message: `the ${name} could not be written: ${why}` };
  }
}

/** Encodes characters that a URL cannot hold; encoded ones stay byte for byte, because they are signed. */
function checkedUri({ uri, name }: Upload): string {
  const encoded = uri.trim().replace(/[^\x21-\x7e]+/g, (part) => encodeURIComponent(part));
  parseBlobUrl(encoded, `the ${name}'s URI`);
  return encoded;
}

/** At most the last `maxBytes`, beginning at a whole character. */
function tailOf(body: Buffer, maxBytes: number): Buffer {
  let start = Math.max(0, body.length - maxBytes);
  while (start > 0 && isContinuation(body[start])) {
    start += 1;
  }
  return body.subarray(start);
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

/** A try that exceeds its share of the time is cancelled, and the next one starts. */
async function inThreeTries(
  write: (signal: AbortSignal) => Promise<void>,
  tryLimitMs: number,
  over: AbortSignal,
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await write(AbortSignal.any([over, AbortSignal.timeout(tryLimitMs)]));
      return;
    } catch (error) {
      if (over.aborted || tries === MAX_TRIES || !mayPass(error)) {
        throw error;
      }
      await delay(DELAYS_MS[tries - 1], undefined, { signal: over });
    }
  }
}

function mayPass(error: unknown): boolean {
  const { statusCode } = error as LibraryError;
  if (error instanceof FlashfreezeError) {
    return false;
  }
  return statusCode === undefined || TRANSIENT_STATUSES.has(statusCode);
}

function endedEarly(limit: AbortSignal): string {
  return limit.aborted ? 'the time limit was reached' : 'the upload was cancelled';
}

/** The useful members of the library's errors. Their texts quote the URL and with it the signature. */
interface LibraryError {
  readonly statusCode?: number;
  readonly code?: string;
  readonly name?: string;
  readonly response?: { readonly headers: { get(name: string): string | undefined } };
}

function reasonOf(error: unknown): string {
  if (error instanceof FlashfreezeError) {
    return error.message;
  }
  const { statusCode, code, name, response } = error as LibraryError;
  if (statusCode === undefined) {
    return wordOf(code) ?? wordOf(name) ?? 'unknown error';
  }
  // The library's own code describes the response body, which may come from a proxy.
  const serviceCode = wordOf(response?.headers.get('x-ms-error-code'));
  return serviceCode === undefined ? `HTTP ${statusCode}` : `HTTP ${statusCode} ${serviceCode}`;
}

function wordOf(text: string | undefined): string | undefined {
  return text !== undefined && /^\w{1,64}$/.test(text) ? text : undefined;
}
