import type { BlobClient } from '@azure/storage-blob';
import { FlashfreezeError } from '../errors.ts';
import type { BlobContainer } from '../restore-points/read-blobs.ts';
import type { SnapshotPlace } from '../restore-points/restore-point.ts';
import { nameInContainer } from '../snapshot/blob/blob-place.ts';
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
  const container = containers.find((it) => nameInContainer(it.url, url) !== undefined);
  const name = container === undefined ? undefined : nameInContainer(container.url, url);
  if (container === undefined || name === undefined) {
    return undefined;
  }
  const { AnonymousCredential, ContainerClient } = await storageLibrary();
  const blob = new ContainerClient(
    container.url,
    new AnonymousCredential(),
    proxyOptions(container.proxy),
  )
    .getBlobClient(name)
    .withSnapshot(snapshot);
  return rangesOf(blob, sizeBytes);
}

/** What a disk with sectors of 4096 bytes is exported as: blocks in any order. */
const VHDX_MARK = Buffer.from('vhdxfile');

/**
 * Reads ranges of the content of a managed snapshot.
 *
 * @param url with a SAS that may read. Secret
 * @param sizeBytes of the disk
 * @param abort ends what is under way
 */
export async function sasReader(
  url: string,
  proxy: string | undefined,
  sizeBytes: number,
  abort: AbortSignal,
): Promise<ReadAt> {
  const { AnonymousCredential, BlobClient } = await import('@azure/storage-blob');
  const blob = new BlobClient(url, new AnonymousCredential(), proxyOptions(proxy));
  const read = rangesOf(blob, sizeBytes, abort);
  return async (offset, length) => {
    const bytes = await read(offset, length);
    if (offset === 0 && bytes.subarray(0, VHDX_MARK.length).equals(VHDX_MARK)) {
      throw new FlashfreezeError(
        'FF_DISK_UNSUPPORTED',
        'Azure exports it as VHDX, because its disk has sectors of 4096 bytes; expected the plain content of a disk. Make a disk of it and look at that',
      );
    }
    return bytes;
  };
}

function rangesOf(blob: BlobClient, sizeBytes: number, abort?: AbortSignal): ReadAt {
  return async (offset, length) => {
    const available = Math.max(0, Math.min(length, sizeBytes - offset));
    const limit = AbortSignal.timeout(READ_LIMIT_MS);
    return available === 0
      ? Buffer.alloc(0)
      : await blob.downloadToBuffer(offset, available, {
          abortSignal: abort === undefined ? limit : AbortSignal.any([limit, abort]),
        });
  };
}
