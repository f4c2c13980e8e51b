import { setTimeout as sleep } from 'node:timers/promises';
import type { Blob } from '../snapshot/blob/blob.ts';
import { proxyOptions } from '../snapshot/blob/proxy-options.ts';
import { storageLibrary } from '../snapshot/blob/storage-library.ts';
import { withTlsAdvice } from '../snapshot/http/failures.ts';
import { containerOf } from '../snapshot/inventory/container.ts';

/** For all tries together. */
export const MANIFEST_LIMIT_MS = 15_000;
const TRIES = 3;
const PAUSE_MS = 500;

/** A container that a manifest may be written to. Secret: `url`. */
export interface ManifestPlace {
  readonly url: string;
  /** False if the SAS does not say what it permits: then a refusal is no surprise. */
  readonly isSure: boolean;
}

/** The container of a blob, if the blob's own SAS is one of the container or account and lets blobs be made. Pure. */
export function placeBeside(blob: Pick<Blob, 'url' | 'address'>): ManifestPlace | undefined {
  const sas = new URLSearchParams(blob.address.query);
  const isOfContainer = sas.get('sr') === 'c';
  const isOfAccount = sas.get('sr') === null && (sas.get('srt')?.includes('o') ?? false);
  const granted = sas.get('sp');
  const permits = granted === null ? isOfContainer : /[cw]/.test(granted);
  return (isOfContainer || isOfAccount) && permits
    ? { url: containerOf(blob).url, isSure: granted !== null }
    : undefined;
}

/** Why a manifest was not written; without secrets. */
export interface UploadFailure {
  readonly reason: string;
  readonly httpStatus: number | undefined;
}

/**
 * Writes a new block blob; never over one that exists. Do not call it while anything is frozen.
 *
 * @param container its URL with a SAS that may create blobs (`sp` with `c` or `w`)
 * @param name of the blob
 * @returns undefined if it was written
 */
export async function uploadManifest(
  container: string,
  name: string,
  text: string,
  proxy: string | undefined,
  limitMs: number = MANIFEST_LIMIT_MS,
): Promise<UploadFailure | undefined> {
  const { AnonymousCredential, ContainerClient } = await storageLibrary();
  const options = { ...proxyOptions(proxy), retryOptions: { maxTries: 1 } };
  const over = AbortSignal.timeout(limitMs);
  const body = Buffer.from(text);
  for (let tries = 1; ; tries += 1) {
    try {
      const client = new ContainerClient(container, new AnonymousCredential(), options);
      await client.getBlockBlobClient(name).upload(body, body.length, {
        abortSignal: over,
        blobHTTPHeaders: { blobContentType: 'application/json' },
        conditions: { ifNoneMatch: '*' },
      });
      return undefined;
    } catch (error) {
      const failure = failureOf(error, over);
      const isOfEarlierTry = failure.httpStatus === 409 && tries > 1;
      if (isOfEarlierTry) {
        return undefined;
      }
      const mayPass = failure.httpStatus === undefined || failure.httpStatus >= 500;
      if (over.aborted || tries === TRIES || !mayPass) {
        return failure;
      }
      await sleep(PAUSE_MS);
    }
  }
}

/** The library's texts quote the URL, and with it the signature. */
function failureOf(error: unknown, over: AbortSignal): UploadFailure {
  const { statusCode, code } = error as { statusCode?: unknown; code?: unknown };
  const httpStatus = typeof statusCode === 'number' ? statusCode : undefined;
  const word = typeof code === 'string' && /^\w{1,64}$/.test(code) ? code : '';
  const said = [httpStatus === undefined ? '' : `HTTP ${httpStatus}`, word].join(' ').trim();
  return {
    reason: over.aborted ? 'no answer in time' : withTlsAdvice(said) || 'unknown error',
    httpStatus,
  };
}
