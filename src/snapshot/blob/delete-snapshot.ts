import { proxyOptions } from './proxy-options.ts';

/** Longest the deletion of one snapshot may take; it is a courtesy, not worth more. */
const DELETE_TIMEOUT_MS = 10_000;

/**
 * Deletes one snapshot with the task's own SAS. Never while anything is frozen.
 *
 * @param url the blob's SAS URL
 * @param snapshot its `x-ms-snapshot`
 * @param proxy URL of the proxy it is reached through
 * @returns undefined where it is gone, else why not, without secrets
 */
export async function deleteSnapshot(
  url: string,
  snapshot: string,
  proxy: string | undefined,
): Promise<string | undefined> {
  // Loaded here: half a second that only a run with orphans has to spend.
  const { AnonymousCredential, BlobClient, RestError } = await import('@azure/storage-blob');
  try {
    await new BlobClient(url, new AnonymousCredential(), proxyOptions(proxy))
      .withSnapshot(snapshot)
      .delete({ abortSignal: AbortSignal.timeout(DELETE_TIMEOUT_MS) });
    return undefined;
  } catch (error) {
    if (error instanceof RestError) {
      return error.code ?? `HTTP ${error.statusCode}`;
    }
    return error instanceof Error ? error.name : 'unknown error';
  }
}
