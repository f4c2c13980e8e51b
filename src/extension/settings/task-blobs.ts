import { FlashfreezeError } from '../../errors.ts';
import { type Blob, parseBlobs } from '../../snapshot/blob/blob.ts';
import { isBlank } from '../../system/json.ts';
import type { TaskSettings } from '../task-types.ts';
import { percentEncoded } from './uri.ts';

/**
 * Reads `blobSASUri`. An item that cannot be used is left out: it matters only if the guest takes the snapshots, which
 * needs a SAS URI for each disk.
 */
export function readBlobs(
  uris: readonly unknown[],
  where: string,
): Pick<TaskSettings, 'blobs' | 'blobProblem'> {
  const labels: string[] = [];
  let blobs: Blob[] = [];
  let blobProblem: FlashfreezeError | undefined;
  for (const [index, uri] of uris.entries()) {
    const label = `blobSASUri[${index}] of ${where}`;
    try {
      const given = [
        ...blobs.map(({ url }) => ({ url, device: undefined })),
        { url: percentEncoded(textOf(uri, label)), device: undefined },
      ];
      blobs = parseBlobs(given, (position) => labels[position] ?? label);
      labels.push(label);
    } catch (error) {
      if (!(error instanceof FlashfreezeError)) {
        throw error;
      }
      blobProblem ??= error.code === 'FF_BLOBS_MISSING' ? error : invalid(error.message);
    }
  }
  return { blobs, blobProblem };
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
