import { isLoopback } from '../../system/hostnames.ts';
import type { Blob } from '../blob/blob.ts';
import { deleteSnapshot } from '../blob/delete-snapshot.ts';
import { permissionsOf } from '../blob/sas-permissions.ts';
import { pagesOf } from './container-pages.ts';
import type { StoredSnapshot } from './stored-snapshot.ts';

/**
 * Lists every snapshot in a container, sorted by blob and time. Do not call it while anything is frozen.
 *
 * @param url URL of the container, with a SAS that may list (`sp` with `l`, `sr=c`)
 * @param proxy URL of the proxy that the container is reached through
 * @param prefix of the blobs' names; missing: all blobs
 * @throws FlashfreezeError FF_CONTAINER_REFUSED
 */
export async function listSnapshots(
  url: string,
  proxy: string | undefined,
  prefix?: string,
): Promise<StoredSnapshot[]> {
  const found: StoredSnapshot[] = [];
  for await (const { snapshots } of pagesOf(url, proxy, prefix)) {
    found.push(...snapshots);
  }
  return found.sort((a, b) => a.blob.localeCompare(b.blob) || a.snapshot.localeCompare(b.snapshot));
}

/**
 * The container of a blob, with the blob's SAS, and the name of the blob in it; undefined if the SAS shows that it may
 * not list. Only the SAS of a container or account may.
 */
export function containerListing(blob: Pick<Blob, 'url' | 'address'>): BlobInContainer | undefined {
  return permissionsOf(blob.address.query).list ? containerOf(blob) : undefined;
}

/** A container with a SAS, and the name of a blob in it. Secret: `url`. */
export interface BlobInContainer {
  readonly url: string;
  readonly blob: string;
}

/** The container of a blob, with the blob's SAS, whatever that permits. Pure. */
export function containerOf({ url }: Pick<Blob, 'url'>): BlobInContainer {
  const container = new URL(url);
  const [, account = '', ...rest] = container.pathname.split('/');
  // An emulator has the account in the path, a service in the name of the host.
  const depth = rest.length > 1 && isLoopback(container.hostname) ? 2 : 1;
  const parts = [account, ...rest];
  const isInRoot = parts.length === 1;
  container.pathname = isInRoot ? '/$root' : `/${parts.slice(0, depth).join('/')}`;
  const name = isInRoot ? account : parts.slice(depth).join('/');
  return { url: container.href, blob: decodeURIComponent(name) };
}

/**
 * Deletes a snapshot, or a blob.
 *
 * @param snapshot undefined: the blob itself, which must have no snapshots
 * @returns why it was not deleted; undefined if it is gone
 */
export async function deleteFromContainer(
  url: string,
  { blob, snapshot }: { readonly blob: string; readonly snapshot: string | undefined },
  proxy: string | undefined,
): Promise<string | undefined> {
  const { ContainerClient } = await import('@azure/storage-blob');
  return await deleteSnapshot(new ContainerClient(url).getBlobClient(blob).url, snapshot, proxy);
}
