import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import {
  AnonymousCredential,
  type BlobGetPropertiesResponse,
  BlockBlobClient,
  newPipeline,
  PageBlobClient,
  type Pipeline,
  RestError,
  type StoragePipelineOptions,
} from '@azure/storage-blob';
import { FlashfreezeError } from '../../errors.ts';
import { trustMachineAuthorities } from '../../snapshot/http/authorities.ts';

const PAGE_BYTES = 512;
/** Size limit of one write to a page blob. */
const MAX_WRITE_BYTES = 4 * 1024 * 1024;
const SPACE = 0x20;

/** The result of a HEAD request. */
type Found =
  | { readonly kind: 'block'; readonly properties: BlobGetPropertiesResponse }
  | { readonly kind: 'page'; readonly sizeBytes: number }
  /** The SAS does not permit reading. Treated as a page blob, as most are. */
  | { readonly kind: 'not-readable' }
  | { readonly kind: 'absent' };

/** Access to one text blob with a SAS; disposing it closes its connections. */
export class BlobAccess implements Disposable {
  readonly #uri: string;
  readonly #agent: HttpAgent;
  readonly #pipeline: Pipeline;

  /**
   * @param proxy URL of a proxy; if undefined, none is used, even if the environment names one
   * @param patienceMs how long a connection without traffic is kept
   */
  constructor(uri: string, proxy: string | undefined, patienceMs: number) {
    trustMachineAuthorities();
    this.#uri = uri;
    this.#agent = agentFor(uri, proxy, patienceMs);
    const options: StoragePipelineOptions & { readonly agent: HttpAgent } = {
      // The caller counts the tries, over all requests of a write.
      retryOptions: { maxTries: 1 },
      // Passed on to each request; the library then ignores proxies of the environment.
      agent: this.#agent,
    };
    this.#pipeline = newPipeline(new AnonymousCredential(), options);
  }

  /** One try. Rejects with the library's RestError, or FF_BLOB_REFUSED for a blob of another type. */
  async write(body: Buffer, abortSignal: AbortSignal): Promise<void> {
    const found = await this.#look(abortSignal);
    if (found.kind === 'block') {
      await this.#writeBlockBlob(body, found.properties, abortSignal);
    } else {
      await this.#writePageBlob(padded(body), found, abortSignal);
    }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  async #look(abortSignal: AbortSignal): Promise<Found> {
    try {
      const client = new PageBlobClient(this.#uri, this.#pipeline);
      return foundOf(await client.getProperties({ abortSignal }));
    } catch (error) {
      const status = error instanceof RestError ? error.statusCode : undefined;
      if (status === 404) {
        return { kind: 'absent' };
      }
      if (status === 403) {
        return { kind: 'not-readable' };
      }
      throw error;
    }
  }

  /** One request: readers find the old text or the new one. */
  async #writeBlockBlob(
    body: Buffer,
    { contentType, metadata }: BlobGetPropertiesResponse,
    abortSignal: AbortSignal,
  ): Promise<void> {
    const client = new BlockBlobClient(this.#uri, this.#pipeline);
    await client.upload(body, body.length, {
      abortSignal,
      // A put replaces all of these.
      ...(contentType !== undefined && { blobHTTPHeaders: { blobContentType: contentType } }),
      ...(metadata !== undefined && { metadata }),
    });
  }

  async #writePageBlob(
    pages: Buffer,
    found: Exclude<Found, { kind: 'block' }>,
    abortSignal: AbortSignal,
  ): Promise<void> {
    const client = new PageBlobClient(this.#uri, this.#pipeline);
    const options = { abortSignal };
    if (found.kind === 'absent') {
      await client.create(pages.length, options);
    } else {
      await this.#empty(client, found, pages.length, abortSignal);
    }
    for (let offset = 0; offset < pages.length; offset += MAX_WRITE_BYTES) {
      const part = pages.subarray(offset, offset + MAX_WRITE_BYTES);
      await client.uploadPages(part, offset, part.length, options);
    }
  }

  async #empty(
    client: PageBlobClient,
    found: Extract<Found, { kind: 'page' | 'not-readable' }>,
    neededBytes: number,
    abortSignal: AbortSignal,
  ): Promise<void> {
    const options = { abortSignal };
    if (found.kind === 'not-readable') {
      await client.resize(neededBytes, options);
      await client.clearPages(0, neededBytes, options);
      return;
    }
    if (found.sizeBytes > 0) {
      await client.clearPages(0, found.sizeBytes, options);
    }
    if (found.sizeBytes < neededBytes) {
      await client.resize(neededBytes, options);
    }
  }
}

function foundOf(properties: BlobGetPropertiesResponse): Found {
  switch (properties.blobType) {
    case 'BlockBlob':
      return { kind: 'block', properties };
    case 'AppendBlob':
      throw new FlashfreezeError(
        'FF_BLOB_REFUSED',
        'it is an append blob; expected a page or a block blob.',
      );
    default:
      return { kind: 'page', sizeBytes: properties.contentLength ?? 0 };
  }
}

/** Spaces up to whole pages, at least one. */
function padded(body: Buffer): Buffer {
  const pages = Math.max(1, Math.ceil(body.length / PAGE_BYTES));
  const bytes = Buffer.alloc(pages * PAGE_BYTES, SPACE);
  body.copy(bytes);
  return bytes;
}

/**
 * Node's own agent, because it reads no proxy from the environment. Destroying it does not close a
 * tunnel that the proxy has not opened yet, which keeps the process alive until the tunnel's time-out.
 * Throws FF_URL_INVALID; names no part of the proxy's URL, which may hold a password.
 */
function agentFor(uri: string, proxy: string | undefined, patienceMs: number): HttpAgent {
  if (proxy !== undefined && !/^https?:$/.test(URL.parse(proxy)?.protocol ?? '')) {
    throw new FlashfreezeError(
      'FF_URL_INVALID',
      'the proxy is not an http URL: expected http://host:port in HttpProxy.Host and HttpProxy.Port of /etc/waagent.conf, or in HTTPS_PROXY.',
    );
  }
  const options = {
    keepAlive: true,
    timeout: patienceMs,
    ...(proxy !== undefined && { proxyEnv: { HTTP_PROXY: proxy, HTTPS_PROXY: proxy } }),
  };
  return uri.startsWith('https:') ? new HttpsAgent(options) : new HttpAgent(options);
}
