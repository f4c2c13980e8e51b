import { FlashfreezeError } from '../../errors.ts';
import { errnoOf } from '../../system/errno.ts';
import { withoutQuery } from '../blob/blob-url.ts';
import { proxyOptions } from '../blob/proxy-options.ts';
import { storageLibrary } from '../blob/storage-library.ts';
import { isTlsCode, tlsAdvice } from '../http/failures.ts';
import type { StoredSnapshot } from './stored-snapshot.ts';

/** Time limit for each page of a listing. A listing with many pages may take as long as it goes on. */
const PAGE_LIMIT_MS = 30_000;
/** The service permits 5,000; the text of a page and what it is parsed into are in memory together. */
const PAGE_SIZE = 1_000;

export interface StoredBlob {
  /** Within its container. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A part of the list of a container. */
export interface ContainerPage {
  readonly snapshots: readonly StoredSnapshot[];
  readonly blobs: readonly StoredBlob[];
}

/**
 * Lists the blobs of a container and their snapshots, page by page, in the order of the service (by name). Do not call it
 * while anything is frozen.
 *
 * @param url URL of the container, with a SAS that may list (`sp` with `l`, `sr=c`)
 * @param proxy URL of the proxy that the container is reached through
 * @param prefix of the blobs' names; missing: all blobs
 * @throws FlashfreezeError FF_CONTAINER_REFUSED
 */
export async function* pagesOf(
  url: string,
  proxy: string | undefined,
  prefix?: string,
): AsyncGenerator<ContainerPage> {
  const { AnonymousCredential, ContainerClient } = await storageLibrary();
  const container = new ContainerClient(url, new AnonymousCredential(), proxyOptions(proxy));
  const urlOf = (name: string): string => withoutQuery(container.getBlobClient(name).url);
  let continuationToken: string | undefined;
  do {
    // Asked for afresh, because the library has one signal for all pages of a listing.
    const pages = container
      .listBlobsFlat({
        includeSnapshots: true,
        includeMetadata: true,
        ...(prefix === undefined ? {} : { prefix }),
        abortSignal: AbortSignal.timeout(PAGE_LIMIT_MS),
      })
      .byPage({
        maxPageSize: PAGE_SIZE,
        ...(continuationToken === undefined ? {} : { continuationToken }),
      });
    const page = await pages.next().catch((error: unknown) => {
      throw refused(url, error);
    });
    if (page.done === true) {
      return;
    }
    const items = page.value.segment.blobItems;
    yield {
      snapshots: items
        .filter(({ snapshot }) => isNamed(snapshot))
        .map(({ name, snapshot = '', properties, metadata }) => ({
          blob: name,
          url: urlOf(name),
          snapshot,
          sizeBytes: properties.contentLength ?? 0,
          metadata: pairsIn(metadata),
        })),
      blobs: items
        .filter(({ snapshot }) => !isNamed(snapshot))
        .map(({ name, properties, metadata }) => ({
          name,
          sizeBytes: properties.contentLength ?? 0,
          metadata: pairsIn(metadata),
        })),
    };
    continuationToken = page.value.continuationToken;
  } while (isNamed(continuationToken));
}

/** The library reads an element without pairs as an empty text. */
function pairsIn(metadata: unknown): Readonly<Record<string, string>> {
  return typeof metadata === 'object' && metadata !== null ? { ...metadata } : {};
}

/** The library gives an empty text for what is not there. */
function isNamed(text: string | undefined): text is string {
  return text !== undefined && text !== '';
}

function refused(url: string, error: unknown): FlashfreezeError {
  const code = errnoOf(error);
  const status = error instanceof Error && 'statusCode' in error ? `HTTP ${error.statusCode}` : '';
  const reason = code ?? (status || (error instanceof Error ? error.name : 'unknown error'));
  const advice = isTlsCode(reason)
    ? `TLS failed${tlsAdvice(reason)}`
    : 'expected the URL of a container with a SAS that may list (sr=c, sp with l), e.g. https://acct.blob.core.windows.net/vhds?sv=…&sig=…';
  return new FlashfreezeError(
    'FF_CONTAINER_REFUSED',
    `${withoutQuery(url)}: cannot list its blobs (${reason}); ${advice}`,
  );
}
