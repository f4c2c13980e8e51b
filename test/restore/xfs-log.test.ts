import * as assert from 'uvu/assert';
import { type LogEnd, readActiveLog } from '../../src/restore/xfs-log.ts';
import { suite } from '../suite.ts';

const test = suite('the log of an xfs, wherever its head lies');

const BLOCK = 512;
const BLOCKS = 64;
const CYCLE = 7;
const MAGIC = 0xfeedbabe;
const FLAGS = { start: 0x1, commit: 0x2, unmount: 0x20 };

function operation(flags: number, region: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt32BE(region.length, 4);
  header.writeUInt8(flags, 9);
  return Buffer.concat([header, region]);
}

/** A buffer of one block at this address, and what is to be written to it. */
function buffer(address: bigint): Buffer[] {
  const descriptor = Buffer.alloc(24);
  descriptor.writeUInt16LE(0x123c, 0);
  descriptor.writeUInt16LE(2, 2);
  descriptor.writeBigInt64LE(address, 8);
  return [operation(0, descriptor), operation(0, Buffer.alloc(700, 'XFSB'))];
}

function transaction(address: bigint): Buffer[] {
  const header = Buffer.alloc(16);
  header.write('NART', 'latin1');
  return [
    operation(FLAGS.start),
    operation(0, header),
    ...buffer(address),
    operation(FLAGS.commit),
  ];
}

const SUPERBLOCK = transaction(0n);
const OTHER = transaction(96n);
const UNMOUNT = [operation(FLAGS.unmount, Buffer.alloc(8, 'Un'))];

function blocksOf(operations: readonly Buffer[]): number {
  const { length } = Buffer.concat(operations);
  return 1 + Math.ceil(length / BLOCK);
}

/** The blocks of a record; the first word of each of its blocks is kept in its header. */
function record(operations: readonly Buffer[], tailBlock: number): Buffer {
  const body = Buffer.concat(operations);
  const blocks = Buffer.alloc(blocksOf(operations) * BLOCK);
  body.copy(blocks, BLOCK);
  blocks.writeUInt32BE(MAGIC, 0);
  blocks.writeUInt32BE(body.length, 12);
  blocks.writeUInt32BE(tailBlock, 28);
  blocks.writeUInt32BE(operations.length, 40);
  blocks.writeUInt32BE(32_768, 320);
  for (let at = BLOCK; at < blocks.length; at += BLOCK) {
    blocks.copy(blocks, 44 + (at / BLOCK - 1) * 4, at, at + 4);
  }
  return blocks;
}

/** A log that has wrapped, full of old records, with these records just before its head; those from the nth on are active. */
function logWith(
  head: number,
  records: readonly (readonly Buffer[])[],
  firstActive: number,
): Buffer {
  const lengths = records.map(blocksOf);
  const sum = (from: number): number => lengths.slice(from).reduce((all, it) => all + it, 0);
  const tail = (head - sum(firstActive) + BLOCKS) % BLOCKS;
  const log = Buffer.alloc(BLOCKS * BLOCK);
  const recent = Buffer.concat(records.map((it) => record(it, tail)));
  for (let index = 0; index < BLOCKS; index += 1) {
    const back = (head - index - 1 + BLOCKS) % BLOCKS;
    const from = recent.length - (back + 1) * BLOCK;
    if (from >= 0) {
      recent.copy(log, index * BLOCK, from, from + BLOCK);
    }
    const isHeader = log.readUInt32BE(index * BLOCK) === MAGIC;
    log.writeUInt32BE(index < head ? CYCLE : CYCLE - 1, index * BLOCK + (isHeader ? 4 : 0));
  }
  return log;
}

const OLD = [OTHER, OTHER];
const CASES: readonly (readonly [
  name: string,
  active: readonly (readonly Buffer[])[],
  kind: LogEnd['kind'],
])[] = [
  ['an unmount', [UNMOUNT], 'unmounted'],
  ['superblocks alone, as a freeze leaves it', [SUPERBLOCK, SUPERBLOCK], 'superblockOnly'],
  ['a change', [SUPERBLOCK, OTHER], 'changes'],
  ['a change before the superblock', [OTHER, SUPERBLOCK], 'changes'],
];

for (const [name, active, kind] of CASES) {
  test(`${name}: records before, across and after the end of the log`, async () => {
    for (let head = 0; head < BLOCKS; head += 1) {
      const log = logWith(head, [...OLD, ...active], OLD.length);
      const end = await readActiveLog(
        async (offset, length) => log.subarray(offset - 4096, offset - 4096 + length),
        { offset: 4096, sizeBytes: log.length },
      );
      assert.is(end.kind, kind, `head ${head}: ${JSON.stringify(end)}`);
    }
  });
}

test.run();
