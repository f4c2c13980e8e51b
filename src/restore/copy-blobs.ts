import { setTimeout as sleep } from 'node:timers/promises';
import type {
  BlobGetPropertiesResponse,
  ContainerClient,
  PageBlobClient,
} from '@azure/storage-blob';
import { FlashfreezeError } from '../errors.ts';
import type { BlobContainer } from '../restore-points/read-blobs.ts';
import { nameInContainer } from '../snapshot/blob/blob-place.ts';
import { withoutQuery } from '../snapshot/blob/blob-url.ts';
import { proxyOptions } from '../snapshot/blob/proxy-options.ts';
import { storageLibrary } from '../snapshot/blob/storage-library.ts';
import { inParallel } from '../system/in-parallel.ts';

/** Copies that are under way at the same time. */
const AT_ONCE = 8;
const HEAD_BYTES = 64 * 1024;
/** The service has no event for the end of a copy, so its state is asked for, at longer and longer intervals. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;

/** A snapshot, and the new blob that it becomes. */
export interface BlobCopy {
  /** URL of the blob without its query. */
  readonly url: string;
  readonly snapshot: string;
  readonly sizeBytes: number;
  /** Holds the snapshot. Secret. */
  readonly from: BlobContainer;
  /** Secret. */
  readonly to: BlobContainer;
  /** Name of the new blob in its container. */
  readonly name: string;
  /** For the new blob, in place of what the snapshot has. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** `existed`: an earlier call had copied it. */
export type Copied = { readonly state: 'created' | 'existed' | 'failed'; readonly error?: string };

/** What stands where a new blob is to be. */
type Found =
  | { readonly kind: 'nothing' | 'copied' | 'underWay' | 'foreign' }
  /** A copy of the snapshot that the service gave up; as long as the tag is the same, nothing has been written to it. */
  | { readonly kind: 'broken'; readonly etag: string | undefined };

interface Job {
  readonly copy: BlobCopy;
  readonly source: PageBlobClient;
  readonly target: PageBlobClient;
}

/**
 * Copies snapshots to new page blobs; the service moves the data. Nothing is overwritten: before the first copy starts, every
 * name is looked at. A blob that is a copy of its snapshot counts as done; a copy that the service gave up is started anew.
 *
 * @param progress called with the sums of bytes copied and to copy
 * @returns one for each copy
 * @throws FlashfreezeError FF_RESTORE_TARGET_EXISTS, FF_CONTAINER_REFUSED: nothing was copied
 */
export async function copyBlobs(
  copies: readonly BlobCopy[],
  progress: (copiedBytes: number, allBytes: number) => void = () => {},
): Promise<Copied[]> {
  const jobs = await jobsOf(copies);
  const found = await inParallel(jobs, AT_ONCE, lookAt);
  const taken = copies.filter((_, index) => found[index]?.kind === 'foreign');
  if (taken.length > 0) {
    throw new FlashfreezeError(
      'FF_RESTORE_TARGET_EXISTS',
      `${taken.map(({ to, name }) => `${withoutQuery(to.url)}/${name}`).join(', ')}: exists and is no complete copy of its snapshot; expected a new name. Use another --prefix, or delete it yourself. Nothing was copied`,
    );
  }
  const bytes = copies.map(() => 0);
  const allBytes = copies.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return await inParallel(jobs, AT_ONCE, async (job, index) => {
    const before: Found = found[index] ?? { kind: 'nothing' };
    try {
      await finish(job, before, (copied) => {
        bytes[index] = copied;
        progress(
          bytes.reduce((sum, it) => sum + it, 0),
          allBytes,
        );
      });
      return { state: before.kind === 'copied' ? 'existed' : 'created' };
    } catch (error) {
      return { state: 'failed', error: reasonOf(error) };
    }
  });
}

async function jobsOf(copies: readonly BlobCopy[]): Promise<Job[]> {
  const { AnonymousCredential, ContainerClient: Client } = await storageLibrary();
  const clientOf = ({ url, proxy }: BlobContainer): ContainerClient =>
    new Client(url, new AnonymousCredential(), proxyOptions(proxy));
  return copies.map((copy) => {
    const blob = nameInContainer(copy.from.url, copy.url) ?? '';
    return {
      copy,
      source: clientOf(copy.from).getPageBlobClient(blob).withSnapshot(copy.snapshot),
      target: clientOf(copy.to).getPageBlobClient(copy.name),
    };
  });
}

async function lookAt({ target, source, copy }: Job): Promise<Found> {
  try {
    const properties = await target.getProperties();
    return isCopyOf(properties, source.url)
      ? stateOfCopy(properties, copy.sizeBytes)
      : { kind: 'foreign' };
  } catch (error) {
    if (statusOf(error) === 404) {
      return { kind: 'nothing' };
    }
    throw new FlashfreezeError(
      'FF_CONTAINER_REFUSED',
      `${withoutQuery(target.url)}: cannot be looked at (${reasonOf(error)}); expected a SAS of its container that may read and create (sp with r and c). Nothing was copied`,
    );
  }
}

function stateOfCopy(
  { copyStatus, contentLength, etag }: BlobGetPropertiesResponse,
  sizeBytes: number,
): Found {
  switch (copyStatus) {
    case 'pending':
      return { kind: 'underWay' };
    case 'failed':
    case 'aborted':
      return { kind: 'broken', etag };
    default:
      return {
        kind: copyStatus === 'success' && contentLength === sizeBytes ? 'copied' : 'foreign',
      };
  }
}

/** The signature in the source is left out of the comparison: it may be a newer one. */
function isCopyOf({ copySource }: BlobGetPropertiesResponse, source: string): boolean {
  const made = URL.parse(copySource ?? '');
  const wanted = new URL(source);
  return (
    made !== null &&
    made.origin === wanted.origin &&
    decodeURIComponent(made.pathname) === decodeURIComponent(wanted.pathname) &&
    made.searchParams.get('snapshot') === wanted.searchParams.get('snapshot')
  );
}

async function finish(job: Job, found: Found, copied: (bytes: number) => void): Promise<void> {
  const { copy, source, target } = job;
  if (found.kind === 'nothing' || found.kind === 'broken') {
    // Its first step starts the copy and does not wait for its end.
    try {
      await target.beginCopyFromURL(source.url, {
        conditions: found.kind === 'broken' ? { ifMatch: found.etag ?? '' } : { ifNoneMatch: '*' },
        metadata: { ...copy.metadata },
      });
    } catch (error) {
      // The answer to a try may have been lost; what stands there now is looked at below.
      const now: Found = await lookAt(job).catch(() => ({ kind: 'nothing' }));
      if (now.kind === 'nothing' || now.kind === 'broken') {
        throw error;
      }
    }
  }
  await waitForCopy(job, copied);
  const [expected, actual] = await Promise.all([headOf(source, copy), headOf(target, copy)]);
  if (!expected.equals(actual)) {
    throw new Error(
      'the first 64 KiB of the new blob differ from those of the snapshot: it was written to, or it is damaged; delete it and call again',
    );
  }
  copied(copy.sizeBytes);
}

async function waitForCopy(
  { copy, target, source }: Job,
  copied: (bytes: number) => void,
): Promise<void> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    const properties = await target.getProperties();
    const { copyStatus, copyProgress, copyStatusDescription, contentLength } = properties;
    if (!isCopyOf(properties, source.url)) {
      throw new Error(
        'another blob was made with this name meanwhile, and was left alone; use another --prefix',
      );
    }
    if (copyStatus === 'success') {
      if (contentLength !== copy.sizeBytes) {
        throw new Error(
          `the new blob has ${contentLength} bytes; expected ${copy.sizeBytes}; delete it and call again`,
        );
      }
      return;
    }
    if (copyStatus !== 'pending') {
      throw new Error(
        `the service ended the copy as ${copyStatus} (${withoutUrls(copyStatusDescription ?? 'without a reason')}); call again to start it anew`,
      );
    }
    copied(Number.parseInt(copyProgress ?? '0', 10) || 0);
    await sleep(pauseMs);
  }
}

async function headOf(blob: PageBlobClient, { sizeBytes }: BlobCopy): Promise<Buffer> {
  const count = Math.min(HEAD_BYTES, sizeBytes);
  return count === 0 ? Buffer.alloc(0) : await blob.downloadToBuffer(0, count);
}

function statusOf(error: unknown): unknown {
  return error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** Code and status of the service; its text may name the source with its signature. */
function reasonOf(error: unknown): string {
  const status = statusOf(error);
  const code = codeOf(error);
  if (status === undefined && code === undefined) {
    return error instanceof Error ? withoutUrls(error.message) : 'unknown';
  }
  return [status === undefined ? [] : [`HTTP ${status}`], code ?? []].flat().join(' ');
}

function withoutUrls(text: string): string {
  return text.replaceAll(/https?:\S+/g, '(URL)');
}
