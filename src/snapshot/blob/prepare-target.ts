import { randomUUID } from 'node:crypto';
import { FlashfreezeError } from '../../errors.ts';
import type { PreparedRequest } from '../http/request.ts';
import { HEAD_BYTES } from '../matching/evidence.ts';
import type { BlobTarget } from '../snapshot-types.ts';
import { type Permissions, permissionsOf } from './sas-permissions.ts';
import { metadataHeaders } from './snapshot-metadata.ts';

/**
 * The version of the Blob service's protocol that every request names. It is the oldest one that the
 * snapshot call is specified for (blob-api.md): no newer feature is used, and most endpoints accept the
 * oldest (Azurite 3.37 lists it). It only determines how the request is executed; the SAS is checked
 * according to the version that it names itself (`sv`).
 */
export const SERVICE_VERSION = '2018-03-28';

/** Everything a lane needs for one target. Secret as a whole. */
export interface PreparedTarget {
  readonly target: number;
  readonly origin: string;
  /** URL of the proxy that the blob is reached through; undefined if there is none. */
  readonly proxy: string | undefined;
  readonly permissions: Permissions;
  /** Reads the first `HEAD_BYTES`. */
  readonly head: PreparedRequest;
  /**
   * Reads one byte: the cheapest request that proves a connection. (Reading the metadata would be as
   * cheap, but Azurite 3.37 answers `GET comp=metadata` with the whole blob.)
   */
  readonly firstByte: PreparedRequest;
  /** Reads the metadata; used only if the disks are encrypted. */
  readonly metadata: PreparedRequest;
  /** Replaces a read if the SAS has no read permission; changes nothing. */
  readonly probe: PreparedRequest;
  readonly snapshot: PreparedRequest;
  /** Values of the query that must not appear in any text. */
  readonly secrets: readonly string[];
}

/**
 * Builds every request of one target.
 *
 * @throws FlashfreezeError `FF_CONFIG_INVALID` if the task id cannot be sent in a header
 */
export function prepareTarget(
  target: BlobTarget,
  index: number,
  count: number,
  proxy?: string,
): PreparedTarget {
  const label = `blob URL ${index + 1} of ${count}`;
  const url = target.blob.address;
  const path = (...parameters: string[]): string =>
    `${url.pathname}?${[...(url.query === '' ? [] : [url.query]), ...parameters].join('&')}`;
  const common = ['x-ms-version', SERVICE_VERSION, ...clientRequestId(target, label)];
  const readOf = (first: number, last: number): PreparedRequest => ({
    method: 'GET',
    path: url.query === '' ? url.pathname : path(),
    headers: [...common, 'range', `bytes=${first}-${last}`],
  });
  return {
    target: index,
    origin: url.origin,
    proxy,
    permissions: permissionsOf(url.query),
    head: readOf(0, HEAD_BYTES - 1),
    firstByte: readOf(0, 0),
    metadata: { method: 'GET', path: path('comp=metadata'), headers: common },
    probe: { method: 'PUT', path: path('comp=lease'), headers: [...common, ...leaseProbe()] },
    snapshot: {
      method: 'PUT',
      path: path('comp=snapshot'),
      headers: [...common, ...metadataHeaders(target.metadata)],
    },
    secrets: secretsOf(url.query),
  };
}

/**
 * Releasing a lease under an unused id needs write permission, as a snapshot does, needs the blob to exist,
 * and cannot succeed. No other request proves name, TLS, SAS and blob for a SAS without read permission and
 * leaves no trace.
 * https://learn.microsoft.com/rest/api/storageservices/lease-blob
 */
function leaseProbe(): string[] {
  return ['x-ms-lease-action', 'release', 'x-ms-lease-id', randomUUID()];
}

function clientRequestId({ clientRequestId }: BlobTarget, label: string): string[] {
  if (!/^[\x20-\x7e]{0,1024}$/.test(clientRequestId)) {
    throw new FlashfreezeError(
      'FF_CONFIG_INVALID',
      `the task id of ${label} is not printable ASCII of at most 1,024 characters, as the service requires`,
    );
  }
  return clientRequestId === '' ? [] : ['x-ms-client-request-id', clientRequestId];
}

/** The signature, raw and decoded, because a server may echo either; and the whole query. */
function secretsOf(query: string): string[] {
  return query
    .split('&')
    .filter((pair) => /^sig=./i.test(pair))
    .map((pair) => pair.slice(4))
    .flatMap((raw) => [raw, new URLSearchParams(`sig=${raw}`).get('sig') ?? raw])
    .concat(query.length >= 8 ? [query] : []);
}
