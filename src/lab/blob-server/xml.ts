import type { ServiceError } from './service-error.ts';

const DECLARATION = '<?xml version="1.0" encoding="utf-8"?>';

/** One line of a listing: a blob, or a snapshot of one. */
export interface ListedBlob {
  readonly name: string;
  readonly snapshot: string | undefined;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly lastModified: Date;
  readonly metadata: Readonly<Record<string, string>>;
  /** Missing: those of a page blob. */
  readonly contentType?: string | undefined;
  readonly blobType?: 'BlockBlob';
}

export function renderError(error: ServiceError, requestId: string, now: Date): string {
  const message = `${error.message}\nRequestId:${requestId}\nTime:${now.toISOString()}`;
  const detail =
    error.detail === undefined ? '' : element('AuthenticationErrorDetail', escaped(error.detail));
  return `${DECLARATION}${element(
    'Error',
    element('Code', error.code) + element('Message', escaped(message)) + detail,
  )}`;
}

/** Body of List Blobs, all of it on one page. */
export function renderListing(
  container: string,
  blobs: readonly ListedBlob[],
  withMetadata: boolean,
): string {
  const lines = blobs.map((blob) => renderBlob(blob, withMetadata)).join('');
  return (
    `${DECLARATION}<EnumerationResults ContainerName="${escaped(container)}">` +
    `${element('Blobs', lines)}<NextMarker /></EnumerationResults>`
  );
}

function renderBlob(blob: ListedBlob, withMetadata: boolean): string {
  const properties = [
    element('Last-Modified', blob.lastModified.toUTCString()),
    element('Etag', escaped(blob.etag)),
    element('Content-Length', String(blob.sizeBytes)),
    element('Content-Type', escaped(blob.contentType ?? 'application/octet-stream')),
    element('BlobType', blob.blobType ?? 'PageBlob'),
  ].join('');
  const metadata = Object.entries(blob.metadata)
    .map(([key, value]) => element(key, escaped(value)))
    .join('');
  return element(
    'Blob',
    element('Name', escaped(blob.name)) +
      (blob.snapshot === undefined ? '' : element('Snapshot', blob.snapshot)) +
      element('Properties', properties) +
      (withMetadata ? element('Metadata', metadata) : ''),
  );
}

function element(name: string, content: string): string {
  return `<${name}>${content}</${name}>`;
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
