import { reasonOf } from '../../system/errno.ts';
import { proxyOptions } from './proxy-options.ts';
import { storageLibrary } from './storage-library.ts';

/** Longest time for the deletion of one snapshot; it is optional clean-up and not worth more. */
const DELETE_TIMEOUT_MS = 10_000;

/**
 * Deletes one snapshot, or a blob without snapshots, with the SAS that is given. Do not call it while anything is frozen.
 *
 * @param url the blob's SAS URL
 * @param snapshot its `x-ms-snapshot`; undefined: the blob itself
 * @param proxy URL of the proxy that the blob is reached through
 * @returns undefined if it is gone, otherwise the reason, without secrets
 */
export async function deleteSnapshot(
  url: string,
  snapshot: string | undefined,
  proxy: string | undefined,
): Promise<string | undefined> {
  // Imported here: it takes half a second, and only a run with orphans needs it.
  const library = await storageLibrary().catch(reasonOf);
  if (typeof library === 'string') {
    return library;
  }
  const { AnonymousCredential, BlobClient, RestError } = library;
  try {
    const blob = new BlobClient(url, new AnonymousCredential(), proxyOptions(proxy));
    await (snapshot === undefined ? blob : blob.withSnapshot(snapshot)).delete({
      abortSignal: AbortSignal.timeout(DELETE_TIMEOUT_MS),
    });
    return undefined;
  } catch (error) {
    if (error instanceof RestError) {
      return error.code ?? `HTTP ${error.statusCode}`;
    }
    return error instanceof Error ? error.name : 'unknown error';
  }
}
