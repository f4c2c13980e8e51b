import type { Judgement, ReadAt } from './head-types.ts';

const SUPERBLOCK = 1024;
const SUPERBLOCK_BYTES = 1024;
const HAS_JOURNAL = 0x4;
const NEEDS_RECOVERY = 0x4;
const JOURNAL_IS_ELSEWHERE = 0x8;
const WIDE_COUNTS = 0x80;
const STATE = { valid: 0x1, errors: 0x2, orphans: 0x4 };
/** Copy of the journal inode's 15 block numbers, or of the root of its extents. */
const JOURNAL_BLOCKS = 0x10c;
const EXTENT_MAGIC = 0xf30a;
const JOURNAL_MAGIC = 0xc03b3998;

/**
 * Judges ext2, ext3 and ext4. A freeze empties the journal and takes the mark `needs_recovery` away, as an unmount does.
 * Layout: Linux, Documentation/filesystems/ext4/{super,journal}.rst.
 *
 * @param read relative to the file system
 */
export async function judgeExt(read: ReadAt, sizeBytes: number): Promise<Judgement> {
  const superblock = await read(SUPERBLOCK, SUPERBLOCK_BYTES);
  if (superblock.length < SUPERBLOCK_BYTES) {
    return { state: 'damaged', detail: 'its superblock is cut off' };
  }
  const blockSize = 1024 << superblock.readUInt32LE(0x18);
  const incompatible = superblock.readUInt32LE(0x60);
  const high = (incompatible & WIDE_COUNTS) === 0 ? 0 : superblock.readUInt32LE(0x150);
  const needed = (high * 2 ** 32 + superblock.readUInt32LE(0x04)) * blockSize;
  if (needed > sizeBytes) {
    return tooLong(needed, sizeBytes);
  }
  const state = superblock.readUInt16LE(0x3a);
  if ((state & STATE.errors) !== 0) {
    return { state: 'damaged', detail: 'the kernel recorded errors in its superblock; run e2fsck' };
  }
  if ((incompatible & NEEDS_RECOVERY) !== 0) {
    return { state: 'needsRecovery', detail: 'its journal has to be replayed (needs_recovery)' };
  }
  const hasJournal = (superblock.readUInt32LE(0x5c) & HAS_JOURNAL) !== 0;
  if ((state & STATE.valid) === 0) {
    return hasJournal
      ? { state: 'needsRecovery', detail: 'it was not unmounted cleanly; run e2fsck' }
      : NO_JOURNAL;
  }
  if (!hasJournal) {
    return { state: 'clean', detail: 'it was unmounted or frozen; it has no journal' };
  }
  return (incompatible & JOURNAL_IS_ELSEWHERE) !== 0 || superblock.readUInt32LE(0xe4) !== 0
    ? { state: 'notLookedInto', detail: 'its journal is on another device' }
    : await judgeJournal(read, superblock, blockSize);
}

/** The ext4 driver takes the mark away at the mount, and a freeze does not set it (`ext4_setup_super`, `ext4_freeze` in fs/ext4/super.c). */
const NO_JOURNAL: Judgement = {
  state: 'notLookedInto',
  detail:
    'it has no journal and was mounted: its superblock does not tell whether it was frozen; only e2fsck -fn on a disk made of it does',
};

export function tooLong(neededBytes: number, sizeBytes: number): Judgement {
  return {
    state: 'damaged',
    detail: `it is ${neededBytes} bytes long according to its superblock, but its place has ${sizeBytes}`,
  };
}

async function judgeJournal(
  read: ReadAt,
  superblock: Buffer,
  blockSize: number,
): Promise<Judgement> {
  const block = firstJournalBlock(superblock);
  if (block === undefined) {
    return {
      state: 'clean',
      detail: 'needs_recovery is not set (the superblock does not tell where the journal is)',
    };
  }
  const journal = await read(block * blockSize, 0x20);
  if (journal.length < 0x20 || journal.readUInt32BE(0) !== JOURNAL_MAGIC) {
    return { state: 'damaged', detail: 'the superblock of its journal is missing' };
  }
  return journal.readUInt32BE(0x1c) === 0
    ? { state: 'clean', detail: 'its journal is empty' }
    : { state: 'needsRecovery', detail: 'its journal is not empty' };
}

/** Undefined if the superblock has no copy, or if the extents are in a deeper tree than any journal has. */
function firstJournalBlock(superblock: Buffer): number | undefined {
  const hasCopy = superblock.readUInt8(0xfd) === 1;
  const isExtents = superblock.readUInt16LE(JOURNAL_BLOCKS) === EXTENT_MAGIC;
  if (!hasCopy) {
    return undefined;
  }
  if (!isExtents) {
    return superblock.readUInt32LE(JOURNAL_BLOCKS) || undefined;
  }
  const depth = superblock.readUInt16LE(JOURNAL_BLOCKS + 6);
  const first = JOURNAL_BLOCKS + 12;
  return depth === 0
    ? superblock.readUInt16LE(first + 6) * 2 ** 32 + superblock.readUInt32LE(first + 8)
    : undefined;
}
