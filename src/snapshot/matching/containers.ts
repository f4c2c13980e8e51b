import { crc32 } from 'node:zlib';
import type { DiskBytes } from './bytes.ts';
import { type Evidence, evidenceOf } from './evidence.ts';

const SECTOR_BYTES = 512;
/** The label is in one of the first four sectors of 512 bytes, for any block size of the disk. */
const LVM_LABEL_SECTORS = [0, 1, 2, 3];
/** The checksum covers the sector from the field after the checksum to the end. */
const LVM_CHECKED_FROM = 20;
const LVM_CRC_START = 0xf597a6cf;

const LUKS_MAGIC = 'LUKS\xba\xbe';

const MD_MAGIC = 0xa92b4efc;
/** Offsets from the start of the device for versions 1.1 and 1.2. Versions 1.0 and 0.90 are at its end. */
const MD_SUPERBLOCKS = [0, 4096];

/** Containers of file systems: LVM physical volumes, LUKS, members of md arrays. */
export function containerEvidence(disk: DiskBytes): Evidence[] {
  return [...lvmEvidence(disk), ...luksEvidence(disk), ...mdEvidence(disk)];
}

/** Layout: lvm2, lib/format_text/layout.h and lib/label/label.h (`label_header`, `pv_header`). */
function lvmEvidence(disk: DiskBytes): Evidence[] {
  const sector = LVM_LABEL_SECTORS.find((number) => isLvmLabel(disk, number));
  if (sector === undefined) {
    return [];
  }
  const label = sector * SECTOR_BYTES;
  const header = disk.u32le(label + 20);
  const uuid = header + 32 <= SECTOR_BYTES ? disk.text(label + header, 32) : '';
  return /^[0-9A-Za-z!#]{32}$/.test(uuid)
    ? evidenceOf(
        'lvm-pv-uuid',
        uuid.replace(/^(.{6})(.{4})(.{4})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-$5-$6-'),
      )
    : [];
}

function isLvmLabel(disk: DiskBytes, sector: number): boolean {
  const label = sector * SECTOR_BYTES;
  const checked = disk.slice(label + LVM_CHECKED_FROM, SECTOR_BYTES - LVM_CHECKED_FROM);
  return (
    disk.has('LABELONE', label) &&
    disk.has('LVM2 001', label + 24) &&
    disk.u64le(label + 8) === BigInt(sector) &&
    disk.u32le(label + 16) === lvmChecksum(checked)
  );
}

/** CRC-32 with LVM's own start value, and without inverting the start and the result as zlib does. */
function lvmChecksum(bytes: Buffer): number {
  return ~crc32(bytes, ~LVM_CRC_START >>> 0) >>> 0;
}

/** Layout: LUKS1 and LUKS2 on-disk format specifications; both have the UUID as text at one offset. */
function luksEvidence(disk: DiskBytes): Evidence[] {
  const version = disk.u16be(6);
  if (!disk.has(LUKS_MAGIC, 0) || (version !== 1 && version !== 2)) {
    return [];
  }
  const uuid = disk.text(168, 36).toLowerCase();
  return /^[0-9a-f-]{36}$/.test(uuid) ? evidenceOf('luks-uuid', uuid) : [];
}

/**
 * Layout: Linux, include/uapi/linux/raid/md_p.h, `struct mdp_superblock_1`. `super_offset` is the position of
 * the superblock itself.
 */
function mdEvidence(disk: DiskBytes): Evidence[] {
  const at = MD_SUPERBLOCKS.find(
    (offset) =>
      disk.u32le(offset) === MD_MAGIC &&
      disk.u32le(offset + 4) === 1 &&
      disk.u64le(offset + 144) === BigInt(offset / SECTOR_BYTES),
  );
  return at === undefined
    ? []
    : [
        ...evidenceOf('md-array-uuid', disk.uuid(at + 16)),
        ...evidenceOf('md-device-uuid', disk.uuid(at + 168)),
      ];
}
