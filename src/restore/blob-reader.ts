import type { BlobContainer } from '../restore-points/read-blobs.ts';
import type { SnapshotPlace } from '../restore-points/restore-point.ts';
import { withoutQuery } from '../snapshot/blob/blob-url.ts';
import { proxyOptions } from '../snapshot/blob/proxy-options.ts';
import { storageLibrary } from '../snapshot/blob/storage-library.ts';
import type { ReadAt } from './head-types.ts';

const READ_LIMIT_MS = 60_000;

/**
 * Reads ranges of a blob's snapshot. Do not call it while anything is frozen.
 *
 * @param containers one of them holds the blob, with a SAS that may read
 * @param sizeBytes of the blob
 * @returns undefined if no container holds it. The function throws what the service's library throws
 */
export async function blobReader(
  { url, snapshot }: Extract<SnapshotPlace, { kind: 'blob' }>,
  containers: readonly BlobContainer[],
  sizeBytes: number,
): Promise<ReadAt | undefined> {
  const container = containers.find((it) => url.startsWith(`${withoutQuery(it.url)}/`));
  if (container === undefined) {
    return undefined;
  }
  const { AnonymousCredential, ContainerClient } = await storageLibrary();
  const name = decodeURIComponent(url.slice(withoutQuery(container.url).length + 1));
  const blob = new ContainerClient(
    container.url,
    new AnonymousCredential(),
    proxyOptions(container.proxy),
  )
    .getBlobClient(name)
    .withSnapshot(snapshot);
  return async (offset, length) => {
    const available = Math.max(0, Math.min(length, sizeBytes - offset));
    return available === 0
      ? Buffer.alloc(0)
      : await blob.downloadToBuffer(offset, available, {
          abortSignal: AbortSignal.timeout(READ_LIMIT_MS),
        });
  };
}
