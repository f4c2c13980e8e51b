import { FlashfreezeError } from '../../errors.ts';
import { errnoOf } from '../../system/errno.ts';
import { withoutQuery } from '../blob/blob-url.ts';
import { deleteSnapshot } from '../blob/delete-snapshot.ts';
import { proxyOptions } from '../blob/proxy-options.ts';
import type { StoredSnapshot } from './stored-snapshot.ts';

/** Time limit for one answer of the service. */
const ANSWER_LIMIT_MS = 30_000;

/**
 * Lists every snapshot in a container, sorted by blob and time. Do not call it while anything is frozen.
 *
 * @param url URL of the container, with a SAS that may list (`sp` with `l`, `sr=c`)
 * @param proxy URL of the proxy that the container is reached through
 * @throws FlashfreezeError FF_CONTAINER_REFUSED
 */
export async function listSnapshots(
  url: string,
  proxy: string | undefined,
): Promise<StoredSnapshot[]> {
  const { AnonymousCredential, ContainerClient } = await import('@azure/storage-blob');
  const found: StoredSnapshot[] = [];
  try {
    const container = new ContainerClient(url, new AnonymousCredential(), proxyOptions(proxy));
    const listing = container.listBlobsFlat({
      includeSnapshots: true,
      includeMetadata: true,
      abortSignal: AbortSignal.timeout(ANSWER_LIMIT_MS),
    });
    for await (const { name, snapshot, properties, metadata } of listing) {
      if (snapshot !== undefined && snapshot !== '') {
        found.push({
          blob: name,
          url: withoutQuery(container.getBlobClient(name).url),
          snapshot,
          sizeBytes: properties.contentLength ?? 0,
          metadata: metadata ?? {},
        });
      }
    }
  } catch (error) {
    throw refused(url, error);
  }
  return found.sort((a, b) => a.blob.localeCompare(b.blob) || a.snapshot.localeCompare(b.snapshot));
}

/** @returns why the snapshot was not deleted; undefined if it is gone */
export async function deleteFromContainer(
  url: string,
  { blob, snapshot }: Pick<StoredSnapshot, 'blob' | 'snapshot'>,
  proxy: string | undefined,
): Promise<string | undefined> {
  const { ContainerClient } = await import('@azure/storage-blob');
  return await deleteSnapshot(new ContainerClient(url).getBlobClient(blob).url, snapshot, proxy);
}

function refused(url: string, error: unknown): FlashfreezeError {
  const code = errnoOf(error);
  const status = error instanceof Error && 'statusCode' in error ? `HTTP ${error.statusCode}` : '';
  const reason = code ?? (status || (error instanceof Error ? error.name : 'unknown error'));
  return new FlashfreezeError(
    'FF_CONTAINER_REFUSED',
    `${withoutQuery(url)}: cannot list its blobs (${reason}); expected the URL of a container with a SAS that may list (sr=c, sp with l), e.g. https://acct.blob.core.windows.net/vhds?sv=…&sig=…`,
  );
}
