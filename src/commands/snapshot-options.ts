import { readFileSync } from 'node:fs';
import type { FireRule } from '../config/vmbackup.ts';
import { FlashfreezeError } from '../errors.ts';
import { METADATA_PREFIX } from '../restore-points/membership.ts';
import { type Blob, type GivenBlob, parseBlobs } from '../snapshot/blob/blob.ts';
import { requireSecure } from '../snapshot/blob/blob-url.ts';
import { isReserved, metadataProblem } from '../snapshot/blob/metadata.ts';
import { errnoOf } from '../system/errno.ts';
import type { RawManagedOptions } from './managed-options.ts';
import { pasteProblem, withoutPasteMarks } from './pasted-url.ts';
import type { RawRunOptions } from './run-options.ts';

/** The options that name blobs. */
export interface BlobOptions {
  readonly blob?: readonly string[];
  readonly disk?: readonly string[];
  readonly blobsFrom?: string;
}

/** The options of `flashfreeze snapshot` as commander returns them, not checked yet. */
export interface RawSnapshotOptions extends RawRunOptions, BlobOptions, RawManagedOptions {
  readonly conf?: string;
  readonly fire?: FireRule;
  readonly metadata?: readonly string[];
  readonly manifest?: string;
  readonly freeze: boolean;
  readonly strictMatch?: boolean;
  readonly partial?: boolean;
  readonly allowForeign?: boolean;
  readonly lanes?: string;
  readonly patience?: string;
}

export function laneCountOf(text: string | undefined): number | undefined {
  if (text === undefined) {
    return undefined;
  }
  const lanes = Number(text);
  if (!Number.isInteger(lanes) || lanes < 1 || lanes > 64) {
    throw usage(`--lanes ${text}: expected a whole number from 1 to 64`);
  }
  return lanes;
}

/** The `--metadata Key=Value` pairs for every snapshot that is to be taken: names of flashfreeze's own are refused. */
export function newMetadataOf(pairs: readonly string[] = []): [key: string, value: string][] {
  const metadata = metadataOf(pairs);
  const reserved = metadata.find(([key]) => isReserved(key));
  if (reserved !== undefined) {
    throw usage(
      `--metadata ${reserved[0]}: flashfreeze keeps names that begin with ${METADATA_PREFIX} for itself; choose another one`,
    );
  }
  return metadata;
}

/**
 * The `--metadata Key=Value` pairs. Metadata that the service would refuse is refused here, because by the time of the
 * request everything is frozen.
 */
export function metadataOf(pairs: readonly string[] = []): [key: string, value: string][] {
  const metadata = pairs.map((pair): [string, string] => {
    const at = pair.indexOf('=');
    if (at < 1) {
      throw usage(`--metadata ${pair}: expected Key=Value, e.g. --metadata Policy=daily`);
    }
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  const names = metadata.map(([key]) => key.toLowerCase());
  const again = metadata.find(([key], index) => names.indexOf(key.toLowerCase()) < index);
  if (again !== undefined) {
    throw usage(
      `--metadata ${again[0]}: given twice; expected each name once, because the service ignores case in names`,
    );
  }
  const problem = metadataProblem(metadata);
  if (problem !== undefined) {
    throw usage(`--metadata ${problem}`);
  }
  return metadata;
}

/**
 * The URL of the container for the manifest; undefined if it was not given.
 *
 * @throws FlashfreezeError FF_USAGE, FF_URL_INVALID, FF_URL_INSECURE; the message never repeats the URL
 */
export function manifestUrlOf(given: string | undefined): string | undefined {
  if (given === undefined) {
    return undefined;
  }
  const text = withoutPasteMarks(given);
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.search === '') {
    throw usage(
      "--manifest: expected the URL of a container with a SAS that may create blobs (sp with c or w), e.g. --manifest 'https://acct.blob.core.windows.net/vhds?sv=…&sig=…'",
    );
  }
  const problem = pasteProblem(text);
  if (problem !== undefined) {
    throw new FlashfreezeError('FF_URL_INVALID', `--manifest: the URL of the container ${problem}`);
  }
  requireSecure(url, '--manifest');
  return text;
}

/**
 * The blobs that `--blob`, `--disk` and `--blobs-from` name, in this order, not checked yet; may be empty.
 *
 * @throws FlashfreezeError FF_USAGE, FF_URL_INVALID; the message never repeats a URL, because it may hold a secret
 */
export function givenBlobs(options: BlobOptions): GivenBlob[] {
  const given = [
    ...(options.blob ?? []).map((url) => ({ url: withoutPasteMarks(url), device: undefined })),
    ...(options.disk ?? []).map((text) => deviceAndUrl(text, '--disk')),
    ...(options.blobsFrom === undefined ? [] : blobsFrom(options.blobsFrom)),
  ];
  for (const [index, { url }] of given.entries()) {
    const problem = pasteProblem(url);
    if (problem !== undefined) {
      throw new FlashfreezeError(
        'FF_URL_INVALID',
        `blob URL ${index + 1} of ${given.length} ${problem}`,
      );
    }
  }
  return given;
}

/**
 * The blobs of a snapshot, at least one.
 *
 * @throws FlashfreezeError the errors of `givenBlobs` and `parseBlobs`
 */
export function requestedBlobs(options: BlobOptions): Blob[] {
  const blobs = parseBlobs(givenBlobs(options));
  if (blobs.length === 0) {
    throw usage(
      'nothing to snapshot: give --blob <SAS URL> for every disk, or --disk <device>=<URL>; for the managed disks of this VM, --managed',
    );
  }
  return blobs;
}

function deviceAndUrl(given: string, option: string): GivenBlob {
  const text = withoutPasteMarks(given);
  const at = text.indexOf('=');
  const device = text.slice(0, at).trimEnd();
  if (at < 1 || !device.startsWith('/dev/')) {
    throw usage(`${option}: expected <device>=<URL>, e.g. --disk '/dev/sdc=https://…'`);
  }
  if (device.includes('://')) {
    throw usage(
      `${option}: expected <device>=<URL>, with an equals sign between device and URL, e.g. --disk '/dev/sdc=https://…'`,
    );
  }
  return { url: withoutPasteMarks(text.slice(at + 1)), device };
}

/** Reads one URL or device=URL per line. A file keeps the URLs out of the process list. */
function blobsFrom(source: string): GivenBlob[] {
  return linesOf(source, '--blobs-from').map((given) => {
    const line = withoutPasteMarks(given);
    if (/^[[{<]/.test(line)) {
      throw usage(
        `--blobs-from ${source}: a line begins with ${line.at(0)}; expected a text file with one URL or device=URL per line, not JSON or XML`,
      );
    }
    return line.startsWith('/')
      ? deviceAndUrl(line, '--blobs-from')
      : { url: line, device: undefined };
  });
}

/** Lines of a file, or of standard input for `-`, without empty lines and lines that begin with #. */
export function linesOf(source: string, option: string): string[] {
  return readSource(source, option)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

function readSource(source: string, option: string): string {
  try {
    return readFileSync(source === '-' ? 0 : source, 'utf8');
  } catch (error) {
    const errno = errnoOf(error) ?? 'unknown error';
    throw usage(
      `${option} ${source}: cannot be read (${errno}); expected a text file with one URL per line, or - for standard input`,
    );
  }
}

function usage(message: string): FlashfreezeError {
  return new FlashfreezeError('FF_USAGE', message);
}
