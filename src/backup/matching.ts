import { realpath } from 'node:fs/promises';
import { basename } from 'node:path';
import { FlashfreezeError } from '../errors.ts';
import type { Disk, Plan } from '../filesystems/plan-types.ts';
import type { Blob } from '../snapshot/blob/blob.ts';
import { blobContent } from '../snapshot/matching/blob-content.ts';
import { describeUnmatched } from '../snapshot/matching/describe.ts';
import {
  type DiskContent,
  type Matching,
  matchBlobs,
  type Override,
  type UnmatchedReason,
} from '../snapshot/matching/match-blobs.ts';
import { identifyDisk } from '../snapshot/matching/read-disk-head.ts';
import type { Preflight } from '../snapshot/snapshot-types.ts';
import type { BackupRequest, RunObserver } from './request.ts';
import { type Behind, UNKNOWN_DISK } from './whole-set/behind.ts';
import { describeGap, isFault } from './whole-set/gap.ts';
import { gapsOf, type SetWishes } from './whole-set/gaps.ts';

/** What the matching needs to know of a run. */
export type MatchRequest = Pick<
  BackupRequest,
  'blobs' | 'strictMatch' | 'isPartial' | 'foreignBlobs' | 'includedLuns'
>;

/**
 * Finds the disk behind each blob; what the caller named wins, unless content or size speak against it.
 * An unmatched blob is no error: its snapshot is then taken at the barrier, and every file system that
 * may lie on it waits.
 *
 * @returns what is known of the disk behind each blob, in their order
 * @throws FlashfreezeError FF_DEVICE_NOT_FOUND, FF_USAGE for a wrong `--disk`; FF_BLOB_FOREIGN, a blob belongs to
 * none of this machine's disks and the caller does not want it; if the caller asked for strictness
 * FF_BLOB_MISMATCH, a blob belongs to another disk than was named, and FF_SET_INCOMPLETE
 */
export async function matchBlobsToDisks(
  request: MatchRequest,
  plan: Plan,
  preflights: readonly Preflight[],
  observer: Pick<RunObserver, 'warn'>,
): Promise<Behind[]> {
  const { blobs } = request;
  const matching = matchBlobs(
    preflights.map(blobContent),
    await contentsOf(plan),
    await overridesOf(blobs),
  );
  if (request.foreignBlobs === 'refuse') {
    refuseForeign(matching, blobs);
  }
  const behind = blobs.map((_, index) => behindOf(index, matching));
  if (request.strictMatch) {
    refuseMismatch(matching, blobs);
    refuseIncomplete(request, plan, behind);
  }
  for (const sentence of doubts(matching, blobs)) {
    observer.warn(sentence);
  }
  return behind;
}

function behindOf(blob: number, { matches, unmatched }: Matching): Behind {
  const match = matches.find((it) => it.blob === blob);
  if (match !== undefined) {
    return { kind: 'disk', disk: match.disk };
  }
  const unknown = unmatched.find((it) => it.blob === blob);
  return unknown === undefined ? { kind: 'foreign' } : { kind: 'one-of', disks: unknown.mayBe };
}

/** Which gaps of a set a run's caller wants. */
export function setWishesOf({ isPartial, includedLuns, foreignBlobs }: MatchRequest): SetWishes {
  return { isPartial, includedLuns, toleratesForeign: foreignBlobs === 'accept' };
}

function refuseIncomplete(request: MatchRequest, plan: Plan, behind: readonly Behind[]): void {
  const targets = request.blobs.map(({ name }, index) => ({
    name,
    behind: behind[index] ?? UNKNOWN_DISK,
  }));
  const gaps = gapsOf(plan, targets, setWishesOf(request)).filter(isFault);
  if (gaps.length > 0) {
    throw new FlashfreezeError(
      'FF_SET_INCOMPLETE',
      `${gaps.map(describeGap).join(' ')} Nothing was frozen.`,
    );
  }
}

/** A loop device that nothing frozen lies on and that cannot be read is another mount namespace's, or gone. */
async function contentsOf({ disks, otherDisks = [] }: Plan): Promise<DiskContent[]> {
  const [own, others] = await Promise.all(
    [disks, otherDisks].map((list) => Promise.all(list.map(contentOf))),
  );
  const isOfUse = ({ name, identity }: DiskContent): boolean =>
    !name.startsWith('loop') || identity.state !== 'unreadable';
  return [...(own ?? []), ...(others ?? []).filter(isOfUse)];
}

async function contentOf({ name, path, sizeBytes }: Disk): Promise<DiskContent> {
  return { name, sizeBytes, identity: await identifyDisk(path) };
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
      `--disk ${device}: there is no such device; expected a whole disk such as /dev/sdc`,
    );
  }
}

function refuseForeign({ foreign }: Matching, blobs: readonly Blob[]): void {
  if (foreign.length > 0) {
    const names = foreign.map((index) => blobs[index]?.name).join(', ');
    throw new FlashfreezeError(
      'FF_BLOB_FOREIGN',
      `by its content ${names} belongs to none of this machine's disks; nothing was frozen. Check the list of blobs; if they are wanted all the same, say --allow-foreign.`,
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
      `${found.join('; ')}. Nothing was frozen. Correct --disk, or leave out --strict-match.`,
    );
  }
}

/** The caller's word cannot be true. */
function isMismatch({ kind }: UnmatchedReason): boolean {
  return kind === 'misnamed' || kind === 'doubted';
}

function doubts({ unmatched }: Matching, blobs: readonly Blob[]): string[] {
  return unmatched.map(({ blob, reason }) => {
    const remedy = isMismatch(reason)
      ? '. Every file system that may lie on it waits for its snapshot; correct --disk'
      : '';
    return `${blobs[blob]?.name} is matched to no disk: ${describeUnmatched(reason)}${remedy}`;
  });
}
