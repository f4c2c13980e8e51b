import type { IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Answer,
  answer,
  contentAnswer,
  contentHeaders,
  metadataHeaders,
  type RequestIdentity,
} from './answer.ts';
import type { BlobStore } from './blob-store.ts';
import type { Latency, Operation } from './model.ts';
import { drawTiming, type Random } from './random.ts';
import { withoutSignature } from './request-log.ts';
import { type SasResource, verifySas } from './sas.ts';
import { ServiceError } from './service-error.ts';
import { TextBlobs } from './text-blobs.ts';
import { renderListing } from './xml.ts';

export const ACCOUNT = 'lab';
export const CONTAINER = 'disks';

/** What a request asks for, read off its method, path and query. */
interface Asked {
  /** Path and query, without the signature. */
  readonly target: string;
  readonly operation: Operation;
  readonly resource: SasResource;
  readonly query: URLSearchParams;
}

export interface ServiceRequest extends Asked {
  readonly message: IncomingMessage;
}

/** Any one of these letters in the SAS is enough ("Permissions for a blob", service SAS). */
const PERMISSIONS: Readonly<Record<Operation, string>> = {
  read: 'r',
  head: 'r',
  metadata: 'r',
  snapshot: 'cw',
  upload: 'cw',
  delete: 'd',
  list: 'l',
  other: '',
};

/** Of requests read before: they come again and again, and the machine that is measured pays for it. */
const known = new Map<string, Asked>();
const MOST_KNOWN = 10_000;

export function parseRequest(message: IncomingMessage): ServiceRequest {
  const { method = '', url = '/' } = message;
  const entry = `${method} ${url}`;
  const asked = known.get(entry) ?? parse(method, url);
  if (known.size < MOST_KNOWN) {
    known.set(entry, asked);
  }
  return { ...asked, message };
}

/** `/<account>/<container>/<blob>`, the form the service has behind an IP address. */
function parse(method: string, url: string): Asked {
  const { pathname, searchParams } = new URL(url, 'https://lab.invalid');
  const [account = '', container = '', ...rest] = decodeURIComponent(pathname).slice(1).split('/');
  const blob = rest.length === 0 || rest[0] === '' ? undefined : rest.join('/');
  return {
    target: withoutSignature(url),
    operation: operationOf(method, searchParams, blob),
    resource: { account, container, blob },
    query: searchParams,
  };
}

function operationOf(method: string, query: URLSearchParams, blob: string | undefined): Operation {
  const operations: Readonly<Record<string, Operation>> =
    blob === undefined
      ? { 'GET list': 'list' }
      : {
          'GET ': 'read',
          'HEAD ': 'head',
          'GET metadata': 'metadata',
          'HEAD metadata': 'metadata',
          'PUT snapshot': 'snapshot',
          'PUT ': 'upload',
          'DELETE ': 'delete',
        };
  return operations[`${method} ${query.get('comp') ?? ''}`] ?? 'other';
}

export interface ServiceOptions {
  readonly store: BlobStore;
  readonly accountKey: string;
  readonly latency: Latency;
  readonly copyAt: 'request' | 'answer' | 'random';
  readonly random: Random;
}

/** What the service answers when nothing is made to go wrong. */
export class Service {
  readonly #options: ServiceOptions;
  readonly #latencies = new Map<string, Latency>();
  #waiting = new AbortController();
  readonly #texts = new TextBlobs();

  constructor(options: ServiceOptions) {
    this.#options = options;
  }

  setLatency(blob: string, latency: Latency): void {
    this.#latencies.set(blob, latency);
  }

  /** Ends the latency of the snapshot requests that wait for their answers. */
  answerNow(): void {
    this.#waiting.abort();
    this.#waiting = new AbortController();
  }

  /** Throws ServiceError. */
  async handle(request: ServiceRequest, identity: RequestIdentity): Promise<Answer> {
    const { operation, resource, query } = request;
    if (operation === 'other') {
      throw new ServiceError(405, 'UnsupportedHttpVerb');
    }
    verifySas(query, resource, PERMISSIONS[operation], this.#options.accountKey, new Date());
    if (resource.account !== ACCOUNT || resource.container !== CONTAINER) {
      throw new ServiceError(404, 'ContainerNotFound');
    }
    if (resource.blob === undefined) {
      return this.#list(request, identity);
    }
    return this.#handleBlob(request, resource.blob, identity);
  }

  async #handleBlob(
    { operation, query, message }: ServiceRequest,
    blob: string,
    identity: RequestIdentity,
  ): Promise<Answer> {
    const snapshot = query.get('snapshot') ?? undefined;
    if (operation === 'snapshot') {
      return this.#snapshot(message, blob, identity);
    }
    if (operation === 'upload') {
      return await this.#upload(message, blob, identity);
    }
    const { store } = this.#options;
    if (operation === 'delete') {
      await this.#delete(blob, snapshot);
      return answer(identity, 202);
    }
    const copy = snapshot === undefined ? store.copies.find(blob) : undefined;
    const content = copy ?? this.#texts.find(blob) ?? (await store.content(blob, snapshot));
    switch (operation) {
      case 'metadata':
        return answer(identity, 200, {
          ETag: content.etag,
          'Last-Modified': content.lastModified.toUTCString(),
          ...metadataHeaders(content.metadata),
        });
      case 'head':
        return answer(identity, 200, {
          ...contentHeaders(content),
          ...copy?.copyHeaders,
          'Content-Length': String(content.sizeBytes),
        });
      default:
        return contentAnswer(identity, content, rangeOf(message));
    }
  }

  /** The base blob is a disk in use and stays. */
  async #delete(blob: string, snapshot: string | undefined): Promise<void> {
    const { copies } = this.#options.store;
    if (snapshot === undefined && (this.#texts.delete(blob) || copies.delete(blob))) {
      return;
    }
    if (snapshot === undefined) {
      throw new ServiceError(409, 'SnapshotsPresent');
    }
    await this.#options.store.deleteSnapshot(blob, snapshot);
  }

  async #snapshot(
    message: IncomingMessage,
    blob: string,
    identity: RequestIdentity,
  ): Promise<Answer> {
    if (message.headers['content-length'] === undefined) {
      throw new ServiceError(411, 'MissingContentLengthHeader');
    }
    const { store, copyAt, random, latency } = this.#options;
    const { latency: ownLatency } = store.spec(blob);
    store.admitSnapshot(blob);
    const timing = drawTiming(this.#latencies.get(blob) ?? ownLatency ?? latency, copyAt, random);
    const { signal } = this.#waiting;
    const answerDue = pass(timing.answerAfterMs, signal);
    if (timing.copyAfterMs > 0) {
      await pass(timing.copyAfterMs, signal);
    }
    const { snapshot } = await store.takeSnapshot(blob, metadataOf(message));
    const content = await store.content(blob, undefined);
    await answerDue;
    return answer(identity, 201, {
      'x-ms-snapshot': snapshot,
      ETag: content.etag,
      'Last-Modified': content.lastModified.toUTCString(),
      'x-ms-request-server-encrypted': 'false',
    });
  }

  async #upload(
    message: IncomingMessage,
    blob: string,
    identity: RequestIdentity,
  ): Promise<Answer> {
    const { headers } = message;
    const body = await buffer(message);
    const source = headers['x-ms-copy-source']?.toString();
    if (source !== undefined) {
      return await this.#copy(message, { blob, source }, identity);
    }
    if (headers['x-ms-blob-type'] !== 'BlockBlob' || this.#options.store.has(blob)) {
      throw new ServiceError(409, 'InvalidBlobType');
    }
    const contentType = headers['x-ms-blob-content-type']?.toString();
    const properties = { contentType, metadata: metadataOf(message) };
    const { etag, lastModified } = this.#texts.put(
      blob,
      body,
      properties,
      headers['if-none-match'] === '*',
    );
    return answer(identity, 201, { ETag: etag, 'Last-Modified': lastModified.toUTCString() });
  }

  /** Copy Blob from a snapshot of a disk; its source needs a SAS of its own. */
  async #copy(
    message: IncomingMessage,
    { blob, source }: { readonly blob: string; readonly source: string },
    identity: RequestIdentity,
  ): Promise<Answer> {
    const { store, accountKey } = this.#options;
    const { resource, query, target } = parse('GET', source);
    verifySas(query, resource, PERMISSIONS.read, accountKey, new Date());
    const ifNoneMatch = message.headers['if-none-match'];
    if (store.has(blob) || this.#texts.find(blob) !== undefined) {
      throw new ServiceError(409, ifNoneMatch === '*' ? 'BlobAlreadyExists' : 'InvalidBlobType');
    }
    store.copies.requireAbsent(blob, ifNoneMatch);
    const content = await store.content(resource.blob ?? '', query.get('snapshot') ?? undefined);
    const url = `${new URL(source).origin}${new URL(target, source).pathname}${new URL(target, source).search}`;
    const headers = store.copies.start(blob, { url, content }, metadataOf(message));
    return answer(identity, 202, { ...headers, 'Last-Modified': new Date().toUTCString() });
  }

  async #list({ query }: ServiceRequest, identity: RequestIdentity): Promise<Answer> {
    const include = (query.get('include') ?? '').split(',');
    const prefix = query.get('prefix') ?? '';
    const disks = await this.#options.store.list(include.includes('snapshots'));
    const contents = [...disks, ...this.#texts.all, ...this.#options.store.copies.all].sort(byName);
    const body = renderListing(
      CONTAINER,
      contents.filter(({ name }) => name.startsWith(prefix)),
      include.includes('metadata'),
    );
    return answer(identity, 200, { 'Content-Type': 'application/xml' }, Buffer.from(body));
  }
}

/** The time, or less: until the signal comes. */
async function pass(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {});
}

/** Stable: the snapshots of a blob stay before it. */
function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : Number(a.name > b.name);
}

function rangeOf({ headers }: IncomingMessage): string | undefined {
  return headers['x-ms-range']?.toString() ?? headers.range;
}

/** Keys as they were sent: the service keeps their case. */
function metadataOf({ rawHeaders }: IncomingMessage): Record<string, string> {
  const prefix = 'x-ms-meta-';
  const pairs = rawHeaders.flatMap((name, index): [string, string][] =>
    index % 2 === 0 && name.toLowerCase().startsWith(prefix)
      ? [[name.slice(prefix.length), rawHeaders[index + 1] ?? '']]
      : [],
  );
  return Object.fromEntries(pairs);
}
