import type { RawAnswer } from '../http/attempt.ts';
import type { PreparedRequest } from '../http/request.ts';
import { isReserved, type MetadataPair, metadataProblem } from './metadata.ts';

const HEADER_PREFIX = 'x-ms-meta-';
const ENCRYPTION_SETTINGS = 'DiskEncryptionSettings';

/**
 * The metadata name of the value that only one request has. It proves that a snapshot in the service's list was made by
 * that request, if its answer was lost.
 */
export const REQUEST_MARK = 'flashfreeze_request';

export interface MarkedRequest {
  readonly request: PreparedRequest;
  /** Undefined if the request carries none. */
  readonly mark: string | undefined;
}

/** Metadata as headers of a request, names and values alternating. */
export function metadataHeaders(metadata: readonly MetadataPair[]): string[] {
  return metadata.flatMap(([key, value]) => [`${HEADER_PREFIX}${key}`, value]);
}

/** The metadata of a blob, in the answer to any read of it; their names keep their case. */
export function metadataIn({ rawHeaders }: Pick<RawAnswer, 'rawHeaders'>): MetadataPair[] {
  const texts = rawHeaders.map((it) => (typeof it === 'string' ? it : it.toString('latin1')));
  return texts.flatMap((name, index): MetadataPair[] =>
    index % 2 === 0 && name.toLowerCase().startsWith(HEADER_PREFIX)
      ? [[name.slice(HEADER_PREFIX.length), texts[index + 1] ?? '']]
      : [],
  );
}

/**
 * Completes the metadata of a snapshot request. If it has any, they replace the blob's own, but the settings that unlock
 * an encrypted disk must not get lost (blob-api.md). If it has none, membership and mark are only added together with the
 * blob's own. If the service would refuse all of them together, the membership is left out as a whole, then the mark. Pure.
 *
 * @param own the blob's own metadata; undefined if they are not known
 * @param membership of the restore point; empty: none is known
 * @param mark undefined: none is wanted
 */
export function completeMetadata(
  request: PreparedRequest,
  own: readonly MetadataPair[] | undefined,
  membership: readonly MetadataPair[],
  mark: string | undefined,
): MarkedRequest {
  const given = givenIn(request);
  const kept = own?.filter((pair) => isToKeep(pair, given)) ?? [];
  const marked = mark === undefined ? [] : [[REQUEST_MARK, mark] as const];
  const replaces = given.length > 0;
  const mayAdd = replaces || own !== undefined;
  for (const added of mayAdd ? [[...membership, ...marked], marked] : []) {
    if (added.length > 0 && metadataProblem([...given, ...kept, ...added]) === undefined) {
      return { request: withHeaders(request, [...kept, ...added]), mark };
    }
  }
  return { request: replaces ? withHeaders(request, kept) : request, mark: undefined };
}

/** Of the blob's own metadata, beside those that were given. */
function isToKeep([name]: MetadataPair, given: readonly MetadataPair[]): boolean {
  const isEncryption = name.toLowerCase() === ENCRYPTION_SETTINGS.toLowerCase();
  return given.length === 0
    ? !isReserved(name)
    : isEncryption && !given.some(([it]) => it.toLowerCase() === name.toLowerCase());
}

function givenIn({ headers }: PreparedRequest): MetadataPair[] {
  return headers.flatMap((name, index): MetadataPair[] =>
    index % 2 === 0 && name.startsWith(HEADER_PREFIX)
      ? [[name.slice(HEADER_PREFIX.length), headers[index + 1] ?? '']]
      : [],
  );
}

function withHeaders(request: PreparedRequest, added: readonly MetadataPair[]): PreparedRequest {
  return added.length === 0
    ? request
    : { ...request, headers: [...request.headers, ...metadataHeaders(added)] };
}
