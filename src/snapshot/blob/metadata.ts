import { METADATA_PREFIX } from '../../restore-points/membership.ts';

/** A name and its value. */
export type MetadataPair = readonly [key: string, value: string];

/** A C# identifier, in the characters of an HTTP header: the Blob service refuses any other name. */
const NAME = /^[A-Za-z_]\w*$/;
/** A value that an HTTP header can carry unchanged. */
const VALUE = /^(?![ \t])[\x20-\x7e\t]*(?<![ \t])$/;
/** Maximum for all names and values together; the Blob service refuses more. */
const MAX_BYTES = 8 * 1024;

/**
 * Why the Blob service would refuse these metadata, as the end of a sentence; undefined if it accepts them. Call
 * it before anything is frozen. The message quotes no value.
 * https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata
 */
export function metadataProblem(metadata: readonly MetadataPair[]): string | undefined {
  const names = new Set<string>();
  let bytes = 0;
  for (const [key, value] of metadata) {
    if (!NAME.test(key)) {
      return `has the name ${JSON.stringify(key)}; expected letters, digits and _, not beginning with a digit`;
    }
    if (!VALUE.test(value)) {
      return `has a value of ${key} that an HTTP header cannot carry; expected printable ASCII without spaces around it`;
    }
    if (names.has(key.toLowerCase())) {
      return `has the name ${key} twice; the service ignores case`;
    }
    names.add(key.toLowerCase());
    bytes += key.length + value.length;
  }
  return bytes > MAX_BYTES ? `has ${bytes} bytes; expected at most ${MAX_BYTES} in all` : undefined;
}

/** Whether flashfreeze keeps this name for itself; the service ignores case. */
export function isReserved(name: string): boolean {
  return name.toLowerCase().startsWith(METADATA_PREFIX);
}

/** Metadata that a snapshot request can carry, and what was left out. */
export interface SendableMetadata {
  readonly metadata: readonly MetadataPair[];
  /** A sentence for each pair that was left out. */
  readonly warnings: readonly string[];
}

/**
 * For a caller that wants the snapshot even if the service would refuse some of its metadata: each pair that it would
 * refuse, alone or beside those before it, is left out, and so is each pair whose name flashfreeze keeps for itself.
 */
export function sendableMetadata(given: readonly MetadataPair[]): SendableMetadata {
  const metadata: MetadataPair[] = [];
  const warnings: string[] = [];
  for (const [key, value] of given) {
    // A header is sent without the spaces around it.
    const pair = [key, value.trim()] as const;
    const problem = isReserved(key)
      ? `has the name ${key}; flashfreeze keeps names that begin with ${METADATA_PREFIX} for itself`
      : metadataProblem([...metadata, pair]);
    if (problem === undefined) {
      metadata.push(pair);
    } else {
      warnings.push(`one pair of the metadata is not sent: it ${problem}`);
    }
  }
  return { metadata, warnings };
}
