import type { Content } from './blob-store.ts';
import { ServiceError } from './service-error.ts';

/** A block blob, as GET and HEAD show it. */
export interface TextContent extends Content {
  readonly body: Buffer;
}

/** The block blobs that clients have written: one put each, without snapshots. */
export class TextBlobs {
  readonly #contents = new Map<string, TextContent>();

  get all(): readonly TextContent[] {
    return [...this.#contents.values()];
  }

  find(name: string): TextContent | undefined {
    return this.#contents.get(name);
  }

  /** Throws 409 if it exists and must not. */
  put(
    name: string,
    body: Buffer,
    { contentType, metadata }: Pick<TextContent, 'metadata' | 'contentType'>,
    isNew: boolean,
  ): TextContent {
    if (isNew && this.#contents.has(name)) {
      throw new ServiceError(409, 'BlobAlreadyExists');
    }
    const content: TextContent = {
      ...{ name, snapshot: undefined, path: undefined, body, sizeBytes: body.length },
      ...{ metadata, contentType, blobType: 'BlockBlob' },
      etag: `"0x8D${process.hrtime.bigint().toString(16).toUpperCase()}"`,
      lastModified: new Date(),
    };
    this.#contents.set(name, content);
    return content;
  }

  delete(name: string): boolean {
    return this.#contents.delete(name);
  }
}
