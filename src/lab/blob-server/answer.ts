import { randomUUID } from 'node:crypto';
import { open } from 'node:fs/promises';
import { STATUS_CODES } from 'node:http';
import type { Content } from './blob-store.ts';
import { ServiceError } from './service-error.ts';
import { renderError } from './xml.ts';

/** A whole answer, ready to be sent, or to be sent badly. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface RequestIdentity {
  readonly requestId: string;
  readonly clientRequestId: string | undefined;
  readonly version: string;
  /** HEAD: the answer says how long the body would be and has none. */
  readonly withoutBody: boolean;
}

export const newRequestId = (): string => randomUUID();

export function answer(
  identity: RequestIdentity,
  status: number,
  headers: Readonly<Record<string, string>> = {},
  body: Buffer = Buffer.alloc(0),
): Answer {
  return {
    status,
    headers: {
      'Content-Length': String(body.length),
      ...headers,
      Server: 'Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0',
      'x-ms-request-id': identity.requestId,
      ...(identity.clientRequestId === undefined
        ? {}
        : { 'x-ms-client-request-id': identity.clientRequestId }),
      'x-ms-version': identity.version,
      Date: new Date().toUTCString(),
    },
    body: identity.withoutBody ? Buffer.alloc(0) : body,
  };
}

export function errorAnswer(
  identity: RequestIdentity,
  error: ServiceError,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const body = Buffer.from(renderError(error, identity.requestId, new Date()));
  return answer(
    identity,
    error.status,
    { 'Content-Type': 'application/xml', 'x-ms-error-code': error.code, ...headers },
    body,
  );
}

export function contentHeaders(content: Content): Record<string, string> {
  return {
    'Content-Type': content.contentType ?? 'application/octet-stream',
    'Accept-Ranges': 'bytes',
    ETag: content.etag,
    'Last-Modified': content.lastModified.toUTCString(),
    'x-ms-blob-type': content.blobType ?? 'PageBlob',
    ...metadataHeaders(content.metadata),
  };
}

export function metadataHeaders(
  metadata: Readonly<Record<string, string>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metadata).map(([key, value]) => [`x-ms-meta-${key}`, value]),
  );
}

/** GET Blob: 206 for a range, 200 for all of it. */
export async function contentAnswer(
  identity: RequestIdentity,
  content: Content & { readonly body?: Buffer },
  rangeHeader: string | undefined,
): Promise<Answer> {
  const range = parseRange(rangeHeader, content.sizeBytes);
  const { from, to } = range ?? { from: 0, to: content.sizeBytes - 1 };
  const body = Buffer.alloc(to - from + 1);
  content.body?.copy(body, 0, from);
  if (content.path !== undefined) {
    await using file = await open(content.path);
    await file.read(body, 0, body.length, from);
  }
  const headers = contentHeaders(content);
  if (range === undefined) {
    return answer(identity, 200, headers, body);
  }
  const contentRange = `bytes ${from}-${to}/${content.sizeBytes}`;
  return answer(identity, 206, { ...headers, 'Content-Range': contentRange }, body);
}

/** `bytes=a-b` or `bytes=a-`, the forms the service knows; undefined if there is none. */
export function parseRange(
  header: string | undefined,
  sizeBytes: number,
): { readonly from: number; readonly to: number } | undefined {
  const match = /^bytes=(\d+)-(\d*)$/.exec(header ?? '');
  if (match === null) {
    return undefined;
  }
  const from = Number(match[1]);
  const to = match[2] === '' ? sizeBytes - 1 : Math.min(Number(match[2]), sizeBytes - 1);
  if (from > to) {
    throw new ServiceError(416, 'InvalidRange');
  }
  return { from, to };
}

/** The bytes of the answer as they would stand on the wire. */
export function wireBytes({ status, headers, body }: Answer): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), body]);
}
