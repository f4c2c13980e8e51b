import { FlashfreezeError } from '../../errors.ts';
import { blobKey } from './blob-place.ts';
import { type BlobUrl, parseBlobUrl, withoutQuery } from './blob-url.ts';

/** A blob as given on the command line, not checked yet. Contains a secret: `url`. */
export interface GivenBlob {
  readonly url: string;
  /** Device path of its disk as given, e.g. `/dev/sdc`; if undefined, the disk is found by content. */
  readonly device: string | undefined;
}

/** A disk's page blob, checked. Contains secrets: `url`, and the query of `address`. */
export interface Blob extends GivenBlob {
  readonly address: BlobUrl;
  /** The URL without its query; may be shown. */
  readonly name: string;
}

/** @throws FlashfreezeError FF_URL_INVALID, FF_URL_INSECURE, with `label` in the message and never the path or query */
export function parseBlob({ url, device }: GivenBlob, label: string): Blob {
  return { url, device, address: parseBlobUrl(url, label), name: withoutQuery(url) };
}

/**
 * Checks the blobs of a run or task.
 *
 * @param label the name of the blob of an index in messages
 * @throws FlashfreezeError FF_URL_INVALID, FF_URL_INSECURE (see `parseBlob`); FF_USAGE if a blob is named twice: it
 * would get two snapshots, and its disk would look like a clone's
 */
export function parseBlobs(
  given: readonly GivenBlob[],
  label: (index: number) => string = (index) => `blob URL ${index + 1} of ${given.length}`,
): Blob[] {
  const blobs = given.map((it, index) => parseBlob(it, label(index)));
  requireDifferent(
    // Two ways to write one URL, such as with `:443` and without, or with `%41` and `A`, name one blob.
    blobs.map(({ url }) => blobKey(url)),
    label,
  );
  return blobs;
}

function requireDifferent(names: readonly string[], label: (index: number) => string): void {
  const again = names.findIndex((name, index) => names.indexOf(name) < index);
  if (again >= 0) {
    throw new FlashfreezeError(
      'FF_USAGE',
      `${label(again)} names the blob of ${label(names.indexOf(names[again] ?? ''))}; expected each blob once`,
    );
  }
}
