import type { RestorePoint, StoredMember } from '../restore-points/restore-point.ts';
import { inParallel } from '../system/in-parallel.ts';
import { readHeads } from './head-check.ts';
import type { Head, ReadAt } from './head-types.ts';
import { problemsOfDisk } from './judge-disk.ts';

/** Snapshots that are read at the same time. */
const AT_ONCE = 8;

/** What was found of one snapshot of a restore point. */
export interface VerifiedDisk {
  readonly member: StoredMember;
  readonly heads: readonly Head[];
  /** Sentences for people; empty if nothing is wrong. */
  readonly problems: readonly string[];
}

/**
 * Reads the heads of every snapshot of a restore point and says whether a disk made of it would mount without recovery.
 * Mounts nothing.
 *
 * @param readerOf undefined: the snapshot cannot be read from here
 * @param progress called with the number of snapshots read so far
 * @returns one for each snapshot, by position
 */
export async function verifyPoint(
  { members, manifest }: Pick<RestorePoint, 'members' | 'manifest'>,
  readerOf: (member: StoredMember) => Promise<ReadAt | undefined>,
  progress: (read: number) => void = () => {},
): Promise<VerifiedDisk[]> {
  let read = 0;
  return await inParallel(members, AT_ONCE, async (member) => {
    const verified = await verifyDisk(member, manifest, readerOf);
    read += 1;
    progress(read);
    return verified;
  });
}

async function verifyDisk(
  member: StoredMember,
  manifest: RestorePoint['manifest'],
  readerOf: (member: StoredMember) => Promise<ReadAt | undefined>,
): Promise<VerifiedDisk> {
  const reader = await readerOf(member);
  if (reader === undefined) {
    return { member, heads: [], problems: ['it lies in none of the containers given'] };
  }
  try {
    const heads = await readHeads(reader, member.sizeBytes);
    return { member, heads: heads.heads, problems: problemsOfDisk(member, heads, manifest) };
  } catch (error) {
    return { member, heads: [], problems: [`it could not be read (${codeOf(error)})`] };
  }
}

/** The texts of the service's library quote URLs with their signatures. */
function codeOf(error: unknown): string {
  const { statusCode, code, name } = error as Partial<
    Record<'statusCode' | 'code' | 'name', unknown>
  >;
  const word = [code, name].find((it) => typeof it === 'string' && /^\w{1,64}$/.test(it));
  return typeof statusCode === 'number' ? `HTTP ${statusCode}` : String(word ?? 'unknown error');
}
