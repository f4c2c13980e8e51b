import { readFileSync } from 'node:fs';
import type { RequestedBlob } from '../backup/request.ts';
import type { FireRule } from '../config/vmbackup.ts';
import { FlashfreezeError } from '../errors.ts';

/** What commander hands over for `flashfreeze snapshot`, before it is looked at. */
export interface RawSnapshotOptions {
  readonly blob?: readonly string[];
  readonly disk?: readonly string[];
  readonly blobsFrom?: string;
  readonly mount?: readonly string[];
  readonly skip?: readonly string[];
  readonly timeout?: string;
  readonly at?: string;
  readonly fire?: FireRule;
  readonly metadata?: readonly string[];
  readonly settle: boolean;
  readonly freeze: boolean;
  readonly strictMatch?: boolean;
  /** True where the machine's databases and scripts are to be quiesced. */
  readonly quiesce?: boolean;
  readonly pluginHost?: string;
  readonly workload?: string;
  readonly lanes?: string;
  readonly json?: boolean;
}

/** `--timeout`, in milliseconds; undefined where it was not given. */
export function timeoutMsOf(text: string | undefined): number | undefined {
  if (text === undefined) {
    return undefined;
  }
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= MAX_TIMEOUT_S)) {
    throw usage(
      `--timeout ${text}: expected seconds, more than 0 and at most ${MAX_TIMEOUT_S}, e.g. --timeout 60`,
    );
  }
  return seconds * 1_000;
}

/** Longer than any writer could bear to stand still. */
const MAX_TIMEOUT_S = 3_600;

/** `--at`: an RFC 3339 time with its offset; a bare local time would be a guess. */
export function startTimeOf(text: string | undefined): Date | undefined {
  if (text === undefined) {
    return undefined;
  }
  const time = new Date(text);
  if (!RFC_3339.test(text) || Number.isNaN(time.getTime())) {
    throw usage(`--at ${text}: expected RFC 3339 with an offset, e.g. --at 2026-11-22T02:00:00Z`);
  }
  return time;
}

const RFC_3339 = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;

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

/** `--metadata Key=Value` pairs, given to every snapshot. */
export function metadataOf(pairs: readonly string[] = []): [key: string, value: string][] {
  return pairs.map((pair) => {
    const at = pair.indexOf('=');
    if (at < 1) {
      throw usage(`--metadata ${pair}: expected Key=Value`);
    }
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
}

/**
 * The blobs of `--blob`, `--disk` and `--blobs-from`, in this order.
 *
 * @throws FlashfreezeError FF_USAGE; the message never repeats a URL, because it may hold a secret
 */
export function requestedBlobs(options: RawSnapshotOptions): RequestedBlob[] {
  const blobs = [
    ...(options.blob ?? []).map((url) => ({ url, device: undefined })),
    ...(options.disk ?? []).map((text) => deviceAndUrl(text, '--disk')),
    ...(options.blobsFrom === undefined ? [] : blobsFrom(options.blobsFrom)),
  ];
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
  return readSource(source)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) =>
      line.startsWith('/') ? deviceAndUrl(line, '--blobs-from') : { url: line, device: undefined },
    );
}

function readSource(source: string): string {
  try {
    return readFileSync(source === '-' ? 0 : source, 'utf8');
  } catch (error) {
    const errno = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw usage(`--blobs-from ${source}: cannot be read (${errno})`);
  }
}

function usage(message: string): FlashfreezeError {
  return new FlashfreezeError('FF_USAGE', message);
}
