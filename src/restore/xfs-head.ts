import { tooLong } from './ext-head.ts';
import type { Judgement, ReadAt } from './head-types.ts';
import { readActiveLog } from './xfs-log.ts';

/**
 * Judges xfs by its log. An unmount ends the log with a record of its own. A freeze writes everything back, and then logs the
 * superblock alone, on purpose: the next mount replays this one block, whose content is on the disk already, and looks after
 * deleted files that were open (Linux, fs/xfs/xfs_super.c, `xfs_fs_freeze`). Anything more has to be recovered.
 *
 * @param read relative to the file system
 */
export async function judgeXfs(read: ReadAt, sizeBytes: number): Promise<Judgement> {
  const superblock = await read(0, 512);
  if (superblock.length < 512) {
    return { state: 'damaged', detail: 'its superblock is cut off' };
  }
  const blockSize = superblock.readUInt32BE(4);
  const needed = Number(superblock.readBigUInt64BE(8)) * blockSize;
  if (needed > sizeBytes) {
    return tooLong(needed, sizeBytes);
  }
  const logStart = superblock.readBigUInt64BE(48);
  if (logStart === 0n) {
    return { state: 'notLookedInto', detail: 'its log is on another device' };
  }
  const agBits = BigInt(superblock.readUInt8(124));
  const group = Number(logStart >> agBits);
  const blockInGroup = Number(logStart & ((1n << agBits) - 1n));
  const log = {
    offset: (group * superblock.readUInt32BE(84) + blockInGroup) * blockSize,
    sizeBytes: superblock.readUInt32BE(96) * blockSize,
  };
  if (log.sizeBytes === 0 || log.offset + log.sizeBytes > sizeBytes) {
    return { state: 'damaged', detail: 'its log lies beyond its end' };
  }
  const end = await readActiveLog(read, log);
  switch (end.kind) {
    case 'unmounted':
      return { state: 'clean', detail: 'its log ends with an unmount' };
    case 'superblockOnly':
      return {
        state: 'clean',
        detail: 'its log holds the superblock alone, as a freeze leaves it',
      };
    case 'changes':
      return { state: 'needsRecovery', detail: 'its log has to be replayed' };
    default:
      return { state: 'damaged', detail: `its log cannot be read: ${end.reason}` };
  }
}
