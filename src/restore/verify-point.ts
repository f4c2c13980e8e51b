import { FlashfreezeError } from '../errors.ts';
import type { RestorePoint, StoredMember } from '../restore-points/restore-point.ts';
import { inParallel } from '../system/in-parallel.ts';
import { readHeads } from './head-check.ts';
import type { Head, ReadAt } from './head-types.ts';
import { problemsOfDisk } from './judge-disk.ts';

/** Snapshots that are read at the same time. */
const AT_ONCE = 8;

/** A snapshot whose content can be read. */
export interface OpenSnapshot {
  readonly read: ReadAt;
  /** Ends the access to it; returns why that was not possible, for people. */
  readonly close: () => Promise<string | undefined>;
}

/** Opens a snapshot; undefined: it cannot be read from here. A FlashfreezeError has the reason. */
export type SnapshotOpener = (member: StoredMember) => Promise<OpenSnapshot | undefined>;

/** What was found of one snapshot of a restore point. */
export interface VerifiedDisk {
  readonly member: StoredMember;
  readonly heads: readonly Head[];
  /** Sentences for people; empty if nothing is wrong. */
  readonly problems: readonly string[];
  /** What is wrong, but not with the disk. */
  readonly warning?: string | undefined;
}

/**
 * Reads the heads of every snapshot of a restore point and says whether a disk made of it would mount without recovery.
 * Mounts nothing.
 *
 * @param progress called with the number of snapshots read so far
 * @returns one for each snapshot, by position
 */
export async function verifyPoint(
  { members, manifest }: Pick<RestorePoint, 'members' | 'manifest'>,
  open: SnapshotOpener,
  progress: (read: number) => void = () => {},
): Promise<VerifiedDisk[]> {
  let read = 0;
  return await inParallel(members, AT_ONCE, async (member) => {
    const verified = await verifyDisk(member, manifest, open);
    read += 1;
    progress(read);
    return verified;
  });
}

async function verifyDisk(
  member: StoredMember,
  manifest: RestorePoint['manifest'],
  open: SnapshotOpener,
): Promise<VerifiedDisk> {
  let opened: OpenSnapshot | undefined;
  let warning: string | undefined;
  let verified: VerifiedDisk;
  try {
    opened = await open(member);
    verified =
      opened === undefined
        ? { member, heads: [], problems: ['it lies in none of the containers given'] }
        : await readDisk(member, manifest, opened.read);
  } catch (error) {
    verified = { member, heads: [], problems: [`it could not be read (${reasonOf(error)})`] };
  } finally {
    warning = await opened?.close();
  }
  return { ...verified, warning };
}

async function readDisk(
  member: StoredMember,
  manifest: RestorePoint['manifest'],
  read: ReadAt,
): Promise<VerifiedDisk> {
  const heads = await readHeads(read, member.sizeBytes);
  return { member, heads: heads.heads, problems: problemsOfDisk(member, heads, manifest) };
}

function reasonOf(error: unknown): string {
  return error instanceof FlashfreezeError ? error.message : codeOf(error);
}

/** The texts of the service's library quote URLs with their signatures. */
function codeOf(error: unknown): string {
  const { statusCode, code, name } = error as Partial<
    Record<'statusCode' | 'code' | 'name', unknown>
  >;
  const word = [code, name].find((it) => typeof it === 'string' && /^\w{1,64}$/.test(it));
  return typeof statusCode === 'number' ? `HTTP ${statusCode}` : String(word ?? 'unknown error');
}
