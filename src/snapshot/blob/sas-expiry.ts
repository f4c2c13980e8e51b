import { FlashfreezeError } from '../../errors.ts';
import type { Blob } from './blob.ts';

/** `se` of a SAS URL; undefined if it has none, or if `se` is not a time. */
export function expiryOf(url: string): Date | undefined {
  const text = URL.canParse(url) ? new URL(url).searchParams.get('se') : null;
  const time = new Date(text ?? Number.NaN);
  return Number.isNaN(time.getTime()) ? undefined : time;
}

/** When the first of the SAS ends; undefined if none of them has an end. */
export function firstExpiryOf(blobs: readonly Pick<Blob, 'url'>[]): Date | undefined {
  const ends = blobs.flatMap(({ url }) => expiryOf(url)?.getTime() ?? []);
  return ends.length === 0 ? undefined : new Date(Math.min(...ends));
}

/**
 * Refuses a scheduled start at which a SAS will have expired, while the user who typed the command can still create another one. Pure.
 *
 * @throws FlashfreezeError FF_BLOB_REFUSED
 */
export function requireValidAt(
  startAt: Date | undefined,
  blobs: readonly Pick<Blob, 'url' | 'name'>[],
): void {
  if (startAt === undefined) {
    return;
  }
  for (const { url, name } of blobs) {
    const expires = expiryOf(url);
    if (expires !== undefined && expires <= startAt) {
      throw new FlashfreezeError(
        'FF_BLOB_REFUSED',
        `${name}: its SAS expires at ${expires.toISOString()}, before the start that --at asks for (${startAt.toISOString()}). Create a SAS that lasts longer.`,
      );
    }
  }
}
