import { readFileSync } from 'node:fs';
import type { RequestedBlob } from '../backup/request.ts';
import type { FireRule } from '../config/vmbackup.ts';
import { FlashfreezeError } from '../errors.ts';
import { withoutQuery } from '../snapshot/blob/blob-url.ts';
import { errnoOf } from '../system/errno.ts';
import type { RawRunOptions } from './run-options.ts';

/** The options that name blobs. */
export interface BlobOptions {
  readonly blob?: readonly string[];
  readonly disk?: readonly string[];
  readonly blobsFrom?: string;
}

/** What commander hands over for `flashfreeze snapshot`, before it is looked at. */
export interface RawSnapshotOptions extends RawRunOptions, BlobOptions {
  readonly fire?: FireRule;
  readonly metadata?: readonly string[];
  readonly freeze: boolean;
  readonly strictMatch?: boolean;
  readonly partial?: boolean;
  readonly allowForeign?: boolean;
  readonly lanes?: string;
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

/** A C# identifier, in the characters of an HTTP header: the Blob service refuses any other name. */
const METADATA_NAME = /^[A-Za-z_]\w*$/;
/** What an HTTP header may hold and keeps as it is. */
const METADATA_VALUE = /^(?! )[\x20-\x7e]*(?<! )$/;
/** Of all names and values together; the Blob service refuses more. */
const MAX_METADATA_BYTES = 8 * 1024;

/**
 * `--metadata Key=Value` pairs, given to every snapshot. What the service would refuse is refused here: there
 * everything would be frozen already.
 */
export function metadataOf(pairs: readonly string[] = []): [key: string, value: string][] {
  const metadata = pairs.map((pair): [string, string] => {
    const at = pair.indexOf('=');
    const [key, value] = [pair.slice(0, Math.max(at, 0)), pair.slice(at + 1)];
    if (!METADATA_NAME.test(key) || !METADATA_VALUE.test(value)) {
      throw usage(
        `--metadata ${pair}: expected Key=Value, the key of letters, digits and _ and not beginning with a digit, the value of printable ASCII characters, e.g. --metadata Policy=daily`,
      );
    }
    return [key, value];
  });
  const bytes = metadata.reduce((sum, [key, value]) => sum + key.length + value.length, 0);
  if (bytes > MAX_METADATA_BYTES) {
    throw usage(`--metadata: expected at most ${MAX_METADATA_BYTES} bytes in all, not ${bytes}`);
  }
  return metadata;
}

/**
 * The blobs of `--blob`, `--disk` and `--blobs-from`, in this order; perhaps none.
 *
 * @throws FlashfreezeError FF_USAGE; the message never repeats a URL, because it may hold a secret
 */
export function givenBlobs(options: BlobOptions): RequestedBlob[] {
  const blobs = [
    ...(options.blob ?? []).map((url) => ({ url, device: undefined })),
    ...(options.disk ?? []).map((text) => deviceAndUrl(text, '--disk')),
    ...(options.blobsFrom === undefined ? [] : blobsFrom(options.blobsFrom)),
  ];
  requireDifferent(blobs.map(({ url }) => url));
  return blobs;
}

/** A blob given twice would get two snapshots, and its disk would look like that of a clone. */
function requireDifferent(urls: readonly string[]): void {
  const names = urls.map((url) => (URL.canParse(url) ? withoutQuery(url) : url));
  const again = names.findIndex((name, index) => names.indexOf(name) < index);
  if (again >= 0) {
    throw usage(
      `blob ${again + 1} of ${urls.length} is the same as blob ${names.indexOf(names[again] ?? '') + 1}: name each blob once`,
    );
  }
}

/** The same, at least one. */
export function requestedBlobs(options: BlobOptions): RequestedBlob[] {
  const blobs = givenBlobs(options);
  if (blobs.length === 0) {
    throw usage(
      'nothing to snapshot: give --blob <SAS URL> for every disk, or --disk <device>=<URL>',
    );
  }
  return blobs;
}

function deviceAndUrl(text: string, option: string): RequestedBlob {
  const at = text.indexOf('=');
  const device = text.slice(0, at);
  if (at < 1 || !device.startsWith('/dev/')) {
    throw usage(`${option}: expected <device>=<URL>, e.g. --disk '/dev/sdc=https://…'`);
  }
  return { url: text.slice(at + 1), device };
}

/** A line each: a URL, or device=URL. Keeps the URLs out of the process list. */
function blobsFrom(source: string): RequestedBlob[] {
  return linesOf(source, '--blobs-from').map((line) =>
    line.startsWith('/') ? deviceAndUrl(line, '--blobs-from') : { url: line, device: undefined },
  );
}

/** Lines of a file, or of standard input for `-`, without empty ones and those that begin with #. */
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
      `${option} ${source}: cannot be read (${errno}); expected a text file with a URL on each line, or - for standard input`,
    );
  }
}

function usage(message: string): FlashfreezeError {
  return new FlashfreezeError('FF_USAGE', message);
}
