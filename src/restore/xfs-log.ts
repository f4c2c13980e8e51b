import type { ReadAt } from './head-types.ts';

const BLOCK = 512;
const RECORD_MAGIC = 0xfeedbabe;
const CYCLE_BYTES = 32_768;
const UNMOUNT = 0x20;
const BUFFER_ITEM = 0x123c;
/** A record has at most 256 KiB, and 8 more header blocks. */
const MOST_RECORD_BLOCKS = 520;
/** More than this can never be a superblock alone. */
const MOST_ACTIVE_BLOCKS = 2_048;

/** How the log ends: what the next mount has to do with it. */
export type LogEnd =
  | { readonly kind: 'unmounted' }
  | { readonly kind: 'superblockOnly' }
  | { readonly kind: 'changes' }
  | { readonly kind: 'unreadable'; readonly reason: string };

interface LogExtent {
  readonly offset: number;
  readonly sizeBytes: number;
}

interface LogRecord {
  readonly tailBlock: number;
  /** Its operations, without the headers. */
  readonly body: Buffer;
  readonly operations: number;
}

/**
 * Looks at the part of a log that a mount would replay. Layout: XFS Algorithms & Data Structures, Journaling Log; Linux,
 * fs/xfs/libxfs/xfs_log_format.h.
 *
 * @param read relative to the file system
 */
export async function readActiveLog(read: ReadAt, log: LogExtent): Promise<LogEnd> {
  const blocks = Math.floor(log.sizeBytes / BLOCK);
  const readBlocks = async (first: number, count: number): Promise<Buffer> => {
    const untilEnd = Math.min(count, blocks - first);
    const start = await read(log.offset + first * BLOCK, untilEnd * BLOCK);
    return untilEnd === count
      ? start
      : Buffer.concat([start, await read(log.offset, (count - untilEnd) * BLOCK)]);
  };
  const head = await findHead(readBlocks, blocks);
  const span = Math.min(MOST_RECORD_BLOCKS, blocks);
  const before = await readBlocks((head - span + blocks) % blocks, span);
  const at = lastRecordAt(before);
  if (at === undefined) {
    return { kind: 'unreadable', reason: 'no record lies before its head' };
  }
  const last = recordIn(before.subarray(at));
  if (last.tailBlock >= blocks) {
    return { kind: 'unreadable', reason: 'its tail lies beyond its end' };
  }
  const active = (head - last.tailBlock + blocks) % blocks;
  if (last.operations === 1 && (last.body[8 + 1] ?? 0) === UNMOUNT) {
    return { kind: 'unmounted' };
  }
  if (active > MOST_ACTIVE_BLOCKS) {
    return { kind: 'changes' };
  }
  return judgeActive(await readBlocks(last.tailBlock, active));
}

type ReadBlocks = (first: number, count: number) => Promise<Buffer>;

function cycleOf(block: Buffer): number {
  const first = block.readUInt32BE(0);
  return first === RECORD_MAGIC ? block.readUInt32BE(4) : first;
}

/** Each block shows the cycle in which it was written: the head is the first block of an earlier cycle than block 0. */
async function findHead(readBlocks: ReadBlocks, blocks: number): Promise<number> {
  const cycleAt = async (block: number): Promise<number> => cycleOf(await readBlocks(block, 1));
  const cycle = await cycleAt(0);
  let low = 0;
  let high = blocks;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if ((await cycleAt(middle)) === cycle) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return high % blocks;
}

function lastRecordAt(blocks: Buffer): number | undefined {
  for (let at = blocks.length - BLOCK; at >= 0; at -= BLOCK) {
    if (blocks.readUInt32BE(at) === RECORD_MAGIC) {
      return at;
    }
  }
  return undefined;
}

function recordIn(blocks: Buffer): LogRecord {
  const headers = Math.max(1, Math.ceil(blocks.readUInt32BE(320) / CYCLE_BYTES));
  const length = blocks.readUInt32BE(12);
  const body = Buffer.from(blocks.subarray(headers * BLOCK, headers * BLOCK + length));
  // The first word of each block was replaced by the cycle; the header keeps the words.
  for (let index = 0; index * BLOCK < body.length && index < 64; index += 1) {
    blocks.copy(body, index * BLOCK, 44 + index * 4, 48 + index * 4);
  }
  return {
    tailBlock: blocks.readUInt32BE(28),
    body,
    operations: blocks.readUInt32BE(40),
  };
}

/** Every item of every record must be the buffer of block 0. */
function judgeActive(blocks: Buffer): LogEnd {
  for (let at = 0; at + BLOCK <= blocks.length; ) {
    if (blocks.readUInt32BE(at) !== RECORD_MAGIC) {
      return { kind: 'unreadable', reason: 'a record is missing' };
    }
    const headers = Math.max(1, Math.ceil(blocks.readUInt32BE(at + 320) / CYCLE_BYTES));
    const record = recordIn(blocks.subarray(at));
    if (!holdsSuperblockOnly(record)) {
      return { kind: 'changes' };
    }
    at += (headers + Math.ceil(blocks.readUInt32BE(at + 12) / BLOCK)) * BLOCK;
  }
  return { kind: 'superblockOnly' };
}

/**
 * A transaction starts with its header (magic TRAN); each item is a descriptor and then its regions. Types of descriptors are
 * little-endian on the machines that Azure has.
 */
function holdsSuperblockOnly({ body, operations }: LogRecord): boolean {
  let at = 0;
  let regions = 0;
  for (let index = 0; index < operations; index += 1) {
    if (at + 12 > body.length) {
      return false;
    }
    const length = body.readUInt32BE(at + 4);
    const region = body.subarray(at + 12, at + 12 + length);
    at += 12 + length;
    const isHeader = length === 0 || region.toString('latin1', 0, 4) === 'NART';
    if (isHeader) {
      continue;
    }
    if (regions > 0) {
      regions -= 1;
      continue;
    }
    const isSuperblock =
      region.length >= 16 &&
      region.readUInt16LE(0) === BUFFER_ITEM &&
      region.readBigInt64LE(8) === 0n;
    if (!isSuperblock) {
      return false;
    }
    regions = region.readUInt16LE(2) - 1;
  }
  return true;
}
