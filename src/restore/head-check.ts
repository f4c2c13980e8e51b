import type { EvidenceKind, Identity } from '../snapshot/matching/evidence.ts';
import { HEAD_BYTES } from '../snapshot/matching/evidence.ts';
import { identify } from '../snapshot/matching/identify.ts';
import { judgeExt } from './ext-head.ts';
import type { DiskHeads, Extent, Head, HeadKind, Judgement, ReadAt } from './head-types.ts';
import { readPhysicalVolume } from './lvm-head.ts';
import { readMdMember } from './md-head.ts';
import { judgeBtrfs, readBtrfsDevice, vfatIn } from './other-heads.ts';
import { type Partition, readPartitions } from './partitions.ts';
import type { VolumePart } from './volume-types.ts';
import { describePart } from './volumes.ts';
import { judgeXfs } from './xfs-head.ts';

/** What each piece of evidence says; the first that an extent has counts, since containers hide what is in them. */
const KINDS: readonly (readonly [EvidenceKind, HeadKind])[] = [
  ['luks-uuid', 'luks'],
  ['lvm-pv-uuid', 'lvm'],
  ['md-array-uuid', 'md'],
  ['xfs-uuid', 'xfs'],
  ['btrfs-fsid', 'btrfs'],
  ['ext-uuid', 'ext'],
  ['f2fs-uuid', 'f2fs'],
  ['nilfs2-uuid', 'nilfs2'],
  ['swap-uuid', 'swap'],
];

/** Why what is recognized is not judged. */
const NOT_JUDGED: Readonly<Partial<Record<HeadKind, string>>> = {
  f2fs: 'its checkpoints were not looked into',
  nilfs2: 'its log was not looked into',
  luks: 'encrypted with LUKS; what is in it was not looked into',
  md: 'member of an md array whose superblock cannot be read; the array was not looked into',
};

/**
 * Reads the heads of a disk: its partition table, and the superblocks and journals of the file systems on it. Reads some
 * hundred KiB, never changes anything, and throws only what `read` throws.
 *
 * @param sizeBytes of the disk
 */
export async function readHeads(read: ReadAt, sizeBytes: number): Promise<DiskHeads> {
  const head = await read(0, HEAD_BYTES);
  const { table, partitions, remark } = await readPartitions(head, read, sizeBytes);
  const whole = { where: 'whole disk', offset: 0, sizeBytes };
  if (partitions.length === 0) {
    const found = await readHead(read, whole);
    // A file system on the bare disk may have left the boot sector of a former partition table alone.
    const isTable = table !== 'none' && ['unknown', 'blank'].includes(found.kind);
    if (remark === undefined || !isTable) {
      return { table: isTable ? table : 'none', heads: [found] };
    }
  }
  const heads: Head[] =
    remark === undefined ? [] : [{ ...whole, ...tableKind(remark), uuid: undefined, ...remark }];
  for (const partition of partitions) {
    heads.push(await readPartition(read, partition, sizeBytes));
  }
  return { table, heads };
}

function tableKind({ state }: Judgement): Pick<Head, 'kind'> {
  return { kind: state === 'damaged' ? 'gpt' : 'blank' };
}

async function readPartition(
  read: ReadAt,
  { purpose, ...extent }: Partition,
  diskBytes: number,
): Promise<Head> {
  if (extent.offset + extent.sizeBytes > diskBytes) {
    return { ...extent, kind: 'unknown', uuid: undefined, ...beyond(diskBytes) };
  }
  if (purpose === 'extended') {
    return { ...extent, kind: 'extended', uuid: undefined, ...EXTENDED };
  }
  const head = await readHead(read, extent);
  return purpose === 'boot' && (head.kind === 'unknown' || head.kind === 'blank')
    ? { ...head, kind: 'boot', ...BOOT }
    : head;
}

const BOOT: Judgement = {
  state: 'clean',
  detail: 'partition for boot code, without a file system',
};

const EXTENDED: Judgement = {
  state: 'notLookedInto',
  detail: 'extended partition; the partitions in it were not looked into',
};

function beyond(sizeBytes: number): Judgement {
  return { state: 'damaged', detail: `it ends after the disk, which has ${sizeBytes} bytes` };
}

async function readHead(read: ReadAt, extent: Extent): Promise<Head> {
  const within: ReadAt = async (offset, length) => {
    const available = Math.max(0, Math.min(length, extent.sizeBytes - offset));
    return available === 0 ? Buffer.alloc(0) : await read(extent.offset + offset, available);
  };
  const head = await within(0, HEAD_BYTES);
  const { kind, uuid } = recognize(identify(head));
  const md = kind === 'luks' ? undefined : await readMdMember(head, within, extent.sizeBytes);
  if (md !== undefined) {
    return { ...extent, kind: 'md', uuid: md.arrayUuid, part: md, ...unread(md) };
  }
  if (kind === 'lvm') {
    const found = await readPhysicalVolume(head, within);
    const { part } = found;
    return part === undefined
      ? { ...extent, kind, uuid, ...found.damage }
      : { ...extent, kind, uuid, part, ...unread(part) };
  }
  if (kind === 'btrfs') {
    const btrfs = await readBtrfsDevice(within, uuid);
    const judgement = await judgeBtrfs(within, extent.sizeBytes);
    return { ...extent, kind, uuid, ...judgement, ...(btrfs && { btrfs }) };
  }
  const vfat = kind === 'unknown' ? vfatIn(head) : undefined;
  return vfat === undefined
    ? { ...extent, kind, uuid, ...(await judge(kind, within, extent.sizeBytes)) }
    : { ...extent, kind: 'vfat', ...vfat };
}

function unread(part: VolumePart): Judgement {
  return {
    state: 'notLookedInto',
    detail: `${describePart(part)}; what lies in it was not looked into`,
  };
}

function recognize(identity: Identity): Pick<Head, 'kind' | 'uuid'> {
  if (identity.state === 'blank') {
    return { kind: 'blank', uuid: undefined };
  }
  const evidence = identity.state === 'identified' ? identity.evidence : [];
  for (const [wanted, kind] of KINDS) {
    const found = evidence.find((piece) => piece.kind === wanted);
    if (found !== undefined) {
      return { kind, uuid: found.value };
    }
  }
  return { kind: 'unknown', uuid: undefined };
}

async function judge(kind: HeadKind, read: ReadAt, sizeBytes: number): Promise<Judgement> {
  switch (kind) {
    case 'ext':
      return await judgeExt(read, sizeBytes);
    case 'xfs':
      return await judgeXfs(read, sizeBytes);
    case 'swap':
      return { state: 'clean', detail: 'swap space; nothing in it is restored' };
    case 'blank':
      return { state: 'notLookedInto', detail: 'its first bytes are zeroes' };
    default:
      return {
        state: 'notLookedInto',
        detail: NOT_JUDGED[kind] ?? 'no known partition table, file system or container',
      };
  }
}
