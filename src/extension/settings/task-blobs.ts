import { type ErrorCode, FlashfreezeError } from '../../errors.ts';
import { type Blob, parseBlobs } from '../../snapshot/blob/blob.ts';
import { withoutQuery } from '../../snapshot/blob/blob-url.ts';
import { isBlank } from '../../system/json.ts';
import type { TaskSettings } from '../task-types.ts';
import { overTls, percentEncoded } from './uri.ts';

type ReadBlobs = Pick<TaskSettings, 'blobs' | 'blobProblem'>;

/**
 * Reads `blobSASUri`. What cannot be used is left out: it matters only if the guest takes the snapshots, which needs a
 * SAS URI for each disk.
 *
 * @param given a list; one text counts as a list of one
 */
export function readBlobs(given: unknown, where: string): ReadBlobs {
  if (isBlank(given)) {
    return { blobs: [], blobProblem: undefined };
  }
  const uris: unknown = typeof given === 'string' ? [given] : given;
  return Array.isArray(uris)
    ? readItems(uris, where)
    : { blobs: [], blobProblem: invalid(`blobSASUri of ${where} must be an array of SAS URIs`) };
}

/** Of `textOf`, whose messages are sentences. */
const OWN_CODES: readonly ErrorCode[] = ['FF_BLOBS_MISSING', 'FF_SETTINGS_INVALID'];

function readItems(uris: readonly unknown[], where: string): ReadBlobs {
  const labels: string[] = [];
  const names: string[] = [];
  let blobs: Blob[] = [];
  let blobProblem: FlashfreezeError | undefined;
  for (const [index, uri] of uris.entries()) {
    const label = `blobSASUri[${index}] of ${where}`;
    try {
      const asGiven = percentEncoded(textOf(uri, label));
      const urls = [...blobs.map(({ url }) => url), overTls(asGiven)];
      blobs = parseBlobs(
        urls.map((url) => ({ url, device: undefined })),
        (position) => labels[position] ?? label,
      );
      labels.push(label);
      names.push(withoutQuery(asGiven));
    } catch (error) {
      if (!(error instanceof FlashfreezeError)) {
        throw error;
      }
      blobProblem ??= OWN_CODES.includes(error.code) ? error : invalid(error.message);
    }
  }
  // The service looks for its own text in the report.
  return {
    blobs: blobs.map((blob, index) => ({ ...blob, name: names[index] ?? blob.name })),
    blobProblem,
  };
}

/** @throws FlashfreezeError FF_BLOBS_MISSING, FF_SETTINGS_INVALID */
function textOf(uri: unknown, label: string): string {
  if (isBlank(uri)) {
    throw new FlashfreezeError(
      'FF_BLOBS_MISSING',
      `${label} is empty, so the guest cannot snapshot that disk; expected a SAS URI for each disk.`,
    );
  }
  if (typeof uri !== 'string') {
    throw invalid(`${label} must be text`);
  }
  return uri;
}

function invalid(message: string): FlashfreezeError {
  return new FlashfreezeError('FF_SETTINGS_INVALID', `${message}.`);
}
