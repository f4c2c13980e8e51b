import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Content } from './blob-store.ts';
import { ServiceError } from './service-error.ts';

/** Where a copy comes from. */
export interface CopySource {
  /** As the client named it, without the signature. */
  readonly url: string;
  readonly content: Content;
}

interface CopiedBlob extends Content {
  readonly copyHeaders: Readonly<Record<string, string>>;
}

/** The page blobs that Copy Blob made of snapshots. */
export class CopiedBlobs {
  readonly #contents = new Map<string, CopiedBlob>();
  readonly #directory: string;
  readonly #copyImage: (from: string, to: string) => Promise<void>;

  constructor(directory: string, copyImage: (from: string, to: string) => Promise<void>) {
    this.#directory = directory;
    this.#copyImage = copyImage;
  }

  get all(): readonly CopiedBlob[] {
    return [...this.#contents.values()];
  }

  find(name: string): CopiedBlob | undefined {
    return this.#contents.get(name);
  }

  delete(name: string): boolean {
    return this.#contents.delete(name);
  }

  /**
   * Starts a copy, as the service does: the blob exists at once, and its state says when the data is there.
   *
   * @returns the headers of the answer 202
   */
  start(
    name: string,
    { url, content }: CopySource,
    metadata: Readonly<Record<string, string>>,
  ): Readonly<Record<string, string>> {
    const path =
      content.path === undefined ? undefined : join(this.#directory, `copy-${randomUUID()}.img`);
    const id = randomUUID();
    const { sizeBytes } = content;
    const set = (copyStatus: string, bytes: number): void => {
      this.#contents.set(name, {
        ...{ name, snapshot: undefined, path, sizeBytes, lastModified: new Date() },
        etag: `"0x8D${process.hrtime.bigint().toString(16).toUpperCase()}"`,
        metadata: Object.keys(metadata).length > 0 ? metadata : content.metadata,
        copyHeaders: {
          'x-ms-copy-id': id,
          'x-ms-copy-source': url,
          'x-ms-copy-status': copyStatus,
          'x-ms-copy-progress': `${bytes}/${sizeBytes}`,
        },
      });
    };
    set('pending', 0);
    const done =
      content.path === undefined || path === undefined
        ? Promise.resolve()
        : this.#copyImage(content.path, path);
    done.then(
      () => set('success', sizeBytes),
      () => set('failed', 0),
    );
    return { 'x-ms-copy-id': id, 'x-ms-copy-status': 'pending' };
  }

  /** Throws 409 unless If-None-Match permits it. */
  requireAbsent(name: string, ifNoneMatch: string | undefined): void {
    if (this.#contents.has(name) && ifNoneMatch === '*') {
      throw new ServiceError(409, 'BlobAlreadyExists');
    }
  }
}
