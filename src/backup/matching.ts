import { realpath } from 'node:fs/promises';
import { basename } from 'node:path';
import { FlashfreezeError } from '../errors.ts';
import type { Disk, Plan } from '../filesystems/model.ts';
import { blobContent } from '../snapshot/matching/blob-content.ts';
import { describeUnmatched } from '../snapshot/matching/describe.ts';
import {
  type Matching,
  matchBlobs,
  type Override,
  type UnmatchedReason,
} from '../snapshot/matching/match-blobs.ts';
import { identifyDisk } from '../snapshot/matching/read-disk-head.ts';
import type { Preflight } from '../snapshot/model.ts';
import { disksWithoutBlob } from './disks-without-blob.ts';
import type { BackupRequest, RequestedBlob, RunObserver } from './request.ts';

/**
 * Finds the disk behind each blob; what the caller named wins, unless content or size speak against it.
 * An unmatched blob is no error: its snapshot is then taken at the barrier, and every file system that
 * may lie on it waits. Warns also of frozen disks that no blob given can be.
 *
 * @param blobs URLs without query, in the order of the targets
 * @returns the kernel name of each target's disk, undefined where it is not known
 * @throws FlashfreezeError FF_DEVICE_NOT_FOUND, FF_USAGE for a wrong `--disk`; where the caller asked for
 * strictness FF_BLOB_FOREIGN, a blob belongs to none of this machine's disks, and FF_BLOB_MISMATCH, it
 * belongs to another one than was named
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
  if (request.strictMatch) {
    refuseForeign(matching, blobs);
    refuseMismatch(matching, blobs);
  }
  for (const sentence of [
    ...doubts(matching, blobs),
    ...disksWithoutBlob(plan, matching, request.includedLuns),
  ]) {
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

function refuseForeign({ foreign }: Matching, blobs: readonly string[]): void {
  if (foreign.length > 0) {
    const names = foreign.map((blob) => blobs[blob]).join(', ');
    throw new FlashfreezeError(
      'FF_BLOB_FOREIGN',
      `by its content ${names} belongs to none of this machine's disks; nothing was frozen. Check the list of blobs, or leave out --strict-match.`,
    );
  }
}

function refuseMismatch({ unmatched }: Matching, blobs: readonly string[]): void {
  const found = unmatched
    .filter(({ reason }) => isMismatch(reason))
    .map(({ blob, reason }) => `${blobs[blob]}: ${describeUnmatched(reason)}`);
  if (found.length > 0) {
    throw new FlashfreezeError(
      'FF_BLOB_MISMATCH',
      `${found.join('; ')}. Nothing was frozen. Correct --disk, or leave out --strict-match.`,
    );
  }
}

/** The caller's word cannot be true. */
function isMismatch({ kind }: UnmatchedReason): boolean {
  return kind === 'misnamed' || kind === 'doubted';
}

function doubts({ foreign, unmatched }: Matching, blobs: readonly string[]): string[] {
  return [
    ...foreign.map(
      (blob) => `${blobs[blob]} belongs by its content to none of this machine's disks`,
    ),
    ...unmatched.map(({ blob, reason }) => {
      const remedy = isMismatch(reason)
        ? '. Every file system that may lie on it waits for its snapshot; correct --disk'
        : '';
      return `${blobs[blob]} is matched to no disk: ${describeUnmatched(reason)}${remedy}`;
    }),
  ];
}
