import { realpath } from 'node:fs/promises';
import { basename } from 'node:path';
import { FlashfreezeError } from '../errors.ts';
import type { Plan } from '../filesystems/plan-types.ts';
import type { Blob } from '../snapshot/blob/blob.ts';
import { blobContent } from '../snapshot/matching/blob-content.ts';
import { describeUnmatched } from '../snapshot/matching/describe.ts';
import { matchBlobs } from '../snapshot/matching/match-blobs.ts';
import type {
  DiskContent,
  Matching,
  Override,
  UnmatchedReason,
} from '../snapshot/matching/matching-types.ts';
import { identifyDisks } from '../snapshot/matching/read-disk-heads.ts';
import type { Preflight } from '../snapshot/snapshot-types.ts';
import type { BackupRequest, RunObserver } from './request.ts';
import { type Behind, type Target, UNKNOWN_DISK } from './whole-set/behind.ts';
import { describeGap, isFault } from './whole-set/describe-gap.ts';
import { gapsOf, type SetWishes, strangers } from './whole-set/find-gaps.ts';

/** The part of a request that matching needs. */
export type MatchRequest = Pick<
  BackupRequest,
  'blobs' | 'provider' | 'strictMatch' | 'isPartial' | 'foreignBlobs' | 'includedLuns'
>;

/**
 * Finds the disk behind each blob of a run. A disk that the caller named takes precedence; if content or size
 * contradict it, the run is refused. An unmatched blob is not an error: its snapshot is taken at the barrier, and every
 * file system that may lie on it waits for the answer.
 *
 * @returns for each blob, in order, what is known of its disk
 * @throws FlashfreezeError FF_DEVICE_NOT_FOUND, FF_USAGE for a wrong `--disk`; FF_BLOB_FOREIGN if a blob belongs to
 * none of this machine's disks, or if there are more blobs than disks that they can be, and the caller does not accept
 * that; FF_BLOB_MISMATCH if a blob does not belong to the disk that the caller named; with `strictMatch` also
 * FF_SET_INCOMPLETE
 */
export async function matchBlobsToDisks(
  request: MatchRequest,
  plan: Plan,
  preflights: readonly Preflight[],
  observer: Pick<RunObserver, 'warn'>,
): Promise<Behind[]> {
  const { blobs } = request;
  const matching = await matchingOf(blobs, plan, preflights, observer);
  refuseMismatch(matching, blobs);
  const behind = blobs.map((_, index) => behindOf(index, matching));
  if (request.foreignBlobs === 'refuse') {
    refuseStrangers(request, blobs, behind);
  }
  if (request.strictMatch) {
    refuseIncomplete(request, plan, blobs, behind);
  }
  for (const sentence of doubts(matching, blobs)) {
    observer.warn(sentence);
  }
  return behind;
}

/**
 * Finds the disk behind each blob, for commands that freeze nothing: whatever a run would refuse is a warning.
 *
 * @throws FlashfreezeError FF_DEVICE_NOT_FOUND, FF_USAGE for a wrong `--disk`
 */
export async function lookUpDisks(
  blobs: readonly Blob[],
  plan: Plan,
  preflights: readonly Preflight[],
  observer: Pick<RunObserver, 'warn'>,
): Promise<Behind[]> {
  const matching = await matchingOf(blobs, plan, preflights, observer);
  for (const sentence of doubts(matching, blobs)) {
    observer.warn(sentence);
  }
  return blobs.map((_, index) => behindOf(index, matching));
}

async function matchingOf(
  blobs: readonly Blob[],
  plan: Plan,
  preflights: readonly Preflight[],
  observer: Pick<RunObserver, 'warn'>,
): Promise<Matching> {
  const contents = await contentsOf(plan);
  for (const { identity } of contents) {
    if (identity.state === 'unreadable' && identity.isSilent) {
      observer.warn(
        `${identity.reason}: no blob is matched to it. Look at the kernel log; detach the disk if its server is gone`,
      );
    }
  }
  return matchBlobs(preflights.map(blobContent), contents, await overridesOf(blobs));
}

function behindOf(blob: number, { matches, unmatched }: Matching): Behind {
  const match = matches.find((it) => it.blob === blob);
  if (match !== undefined) {
    return { kind: 'disk', disk: match.disk };
  }
  const unknown = unmatched.find((it) => it.blob === blob);
  if (unknown === undefined) {
    return { kind: 'foreign' };
  }
  return unknown.mayBe.length === 0
    ? { kind: 'foreign', because: describeUnmatched(unknown.reason) }
    : { kind: 'one-of', disks: unknown.mayBe };
}

function targetsOf(
  named: readonly { readonly name: string }[],
  behind: readonly Behind[],
): Target[] {
  return named.map(({ name }, index) => ({ name, behind: behind[index] ?? UNKNOWN_DISK }));
}

/** The gaps in a set that the caller of a run accepts. */
export function setWishesOf(request: MatchRequest): SetWishes {
  const { isPartial, includedLuns, foreignBlobs, provider } = request;
  return {
    ...{ isPartial, includedLuns, toleratesForeign: foreignBlobs === 'accept' },
    isManaged: provider?.kind === 'managed',
  };
}

/** @throws FlashfreezeError FF_SET_INCOMPLETE if the set is not whole */
export function refuseIncomplete(
  request: MatchRequest,
  plan: Plan,
  named: readonly { readonly name: string }[],
  behind: readonly Behind[],
): void {
  const gaps = gapsOf(plan, targetsOf(named, behind), setWishesOf(request)).filter(isFault);
  if (gaps.length > 0) {
    throw new FlashfreezeError(
      'FF_SET_INCOMPLETE',
      `${gaps.map(describeGap).join(' ')} Nothing was frozen.`,
    );
  }
}

/**
 * The contents of all disks. An unreadable loop device that carries nothing to freeze is left out: it belongs to another
 * mount namespace, or is gone.
 */
async function contentsOf({ disks, otherDisks = [] }: Plan): Promise<DiskContent[]> {
  const all = [...disks, ...otherDisks];
  const identities = await identifyDisks(all.map(({ path }) => path));
  return all.flatMap(({ name, sizeBytes }, index) => {
    const identity = identities[index];
    const isOther = index >= disks.length;
    const isOfUse = !isOther || !name.startsWith('loop') || identity?.state !== 'unreadable';
    return identity !== undefined && isOfUse ? [{ name, sizeBytes, identity }] : [];
  });
}

async function overridesOf(blobs: readonly Blob[]): Promise<Override[]> {
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
      `--disk ${device}: device not found; expected a whole disk such as /dev/sdc`,
    );
  }
}

function refuseStrangers(
  request: MatchRequest,
  blobs: readonly Blob[],
  behind: readonly Behind[],
): void {
  const found = strangers(targetsOf(blobs, behind), setWishesOf(request));
  if (found.length > 0) {
    throw new FlashfreezeError(
      'FF_BLOB_FOREIGN',
      `${found.map(describeGap).join(' ')} Nothing was frozen. Check the list of blobs, or accept blobs of other machines with --allow-foreign.`,
    );
  }
}

function refuseMismatch({ unmatched }: Matching, blobs: readonly Blob[]): void {
  const found = unmatched
    .filter(({ reason }) => isMismatch(reason))
    .map(({ blob, reason }) => `${blobs[blob]?.name}: ${describeUnmatched(reason)}`);
  if (found.length > 0) {
    throw new FlashfreezeError(
      'FF_BLOB_MISMATCH',
      `${found.join('; ')}. Nothing was frozen. Correct --disk, or give the blob with --blob.`,
    );
  }
}

/** Whether the disk that the caller named cannot be the right one. */
function isMismatch({ kind }: UnmatchedReason): boolean {
  return kind === 'misnamed' || kind === 'doubted';
}

function doubts({ unmatched }: Matching, blobs: readonly Blob[]): string[] {
  return unmatched.map(({ blob, reason }) => {
    const remedy = isMismatch(reason)
      ? '. A run is refused (FF_BLOB_MISMATCH). Correct --disk'
      : '';
    return `cannot match ${blobs[blob]?.name} to a disk: ${describeUnmatched(reason)}${remedy}`;
  });
}
