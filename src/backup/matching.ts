import { realpath } from 'node:fs/promises';
import { basename } from 'node:path';
import { FlashfreezeError } from '../errors.ts';
import type { Disk, Plan } from '../filesystems/model.ts';
import { blobContent } from '../snapshot/matching/blob-content.ts';
import { describeContradiction, describeUnmatched } from '../snapshot/matching/describe.ts';
import { type Matching, matchBlobs, type Override } from '../snapshot/matching/match-blobs.ts';
import { identifyDisk } from '../snapshot/matching/read-disk-head.ts';
import type { Preflight } from '../snapshot/model.ts';
import type { BackupRequest, RequestedBlob, RunObserver } from './request.ts';

/**
 * Finds the disk behind each blob by content; what the caller named wins. An unmatched blob is
 * no error: its snapshot is then taken at the barrier, and every file system that may lie on it waits.
 *
 * @param blobs URLs without query, in the order of the targets
 * @returns the kernel name of each target's disk, undefined where it is not known
 * @throws FlashfreezeError FF_DEVICE_NOT_FOUND, FF_USAGE for a wrong `--disk`; FF_BLOB_FOREIGN where
 * a blob belongs to none of this machine's disks and the caller asked for strictness
 */
export async function matchTargets(
  request: BackupRequest,
  plan: Plan,
  preflights: readonly Preflight[],
  blobs: readonly string[],
  observer: RunObserver,
): Promise<(string | undefined)[]> {
  const disks = [...plan.disks, ...(plan.otherDisks ?? [])];
  const matching = matchBlobs(
    preflights.map(blobContent),
    await Promise.all(disks.map(contentOf)),
    await overridesOf(request.blobs),
  );
  refuseForeign(matching, blobs, request.strictMatch);
  for (const sentence of doubts(matching, blobs)) {
    observer.warn(sentence);
  }
  const diskOf = new Map(matching.matches.map(({ blob, disk }) => [blob, disk]));
  return blobs.map((_, index) => diskOf.get(index));
}

async function contentOf({ name, path, sizeBytes }: Disk) {
  return { name, sizeBytes, identity: await identifyDisk(path) };
}

async function overridesOf(blobs: readonly RequestedBlob[]): Promise<Override[]> {
  const overrides = await Promise.all(
    blobs.map(async ({ device }, blob) =>
      device === undefined ? [] : [{ blob, disk: await kernelNameOf(device) }],
    ),
  );
  return overrides.flat();
}

/** Follows links such as `/dev/disk/azure/scsi1/lun0`. */
async function kernelNameOf(device: string): Promise<string> {
  try {
    return basename(await realpath(device));
  } catch {
    throw new FlashfreezeError(
      'FF_DEVICE_NOT_FOUND',
      `--disk ${device}: there is no such device; expected a whole disk such as /dev/sdc`,
    );
  }
}

function refuseForeign({ foreign }: Matching, blobs: readonly string[], strict: boolean): void {
  if (strict && foreign.length > 0) {
    const names = foreign.map((blob) => blobs[blob]).join(', ');
    throw new FlashfreezeError(
      'FF_BLOB_FOREIGN',
      `by its content ${names} belongs to none of this machine's disks; nothing was frozen. Check the list of blobs, or leave out --strict-match.`,
    );
  }
}

function doubts({ foreign, unmatched, objections }: Matching, blobs: readonly string[]): string[] {
  return [
    ...foreign.map(
      (blob) => `${blobs[blob]} belongs by its content to none of this machine's disks`,
    ),
    ...unmatched.map(
      ({ blob, reason }) => `${blobs[blob]} is matched to no disk: ${describeUnmatched(reason)}`,
    ),
    ...objections.map(
      ({ blob, disk, by }) =>
        `${blobs[blob]} was named for /dev/${disk}, but ${describeContradiction(by)}`,
    ),
  ];
}
