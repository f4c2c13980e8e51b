import { crc32 } from 'node:zlib';
import type { Judgement, ReadAt } from './head-types.ts';
import { volumeGroupIn } from './lvm-text.ts';
import type { LvmPart, VolumeGroup } from './volume-types.ts';

const SECTOR_BYTES = 512;
const LABEL_SECTORS = 4;
const LABEL = 'LABELONE';
const AREA_MAGIC = ' LVM2 x[5A%r0N*>';
const AREA_HEADER_BYTES = 512;
const MOST_AREAS = 8;
const IGNORED = 1;
/** LVM makes areas of 1 MiB; metadata of thousands of volumes needs more. */
const MOST_TEXT_BYTES = 32 * 2 ** 20;
const CRC_START = 0xf597a6cf;

interface Area {
  readonly offset: number;
  readonly sizeBytes: number;
}

/** One copy of the metadata: `none` if the physical volume is in no volume group. */
type Copy =
  | { readonly kind: 'group'; readonly group: VolumeGroup }
  | { readonly kind: 'none' }
  | { readonly kind: 'damaged'; readonly reason: string };

/** What a physical volume says; a judgement if that is damaged. */
export type PhysicalVolumeHead =
  | { readonly part: LvmPart }
  | { readonly part: undefined; readonly damage: Judgement };

/**
 * Reads the label of a physical volume and the newest metadata on it. Layout: lvm2, lib/label/label.h,
 * lib/format_text/layout.h.
 *
 * @param head its first bytes
 * @param read relative to the physical volume
 */
export async function readPhysicalVolume(head: Buffer, read: ReadAt): Promise<PhysicalVolumeHead> {
  const label = labelIn(head);
  if (label === undefined) {
    return damaged('its label cannot be read');
  }
  const { pvUuid, areas } = label;
  const groups: VolumeGroup[] = [];
  for (const area of areas) {
    const copy = await readCopy(read, area);
    if (copy.kind === 'damaged') {
      return damaged(copy.reason);
    }
    if (copy.kind === 'group') {
      groups.push(copy.group);
    }
  }
  const [group] = groups.toSorted((a, b) => b.seqno - a.seqno);
  return { part: { kind: 'lvm', pvUuid, group } };
}

function damaged(reason: string): PhysicalVolumeHead {
  const damage = { state: 'damaged', detail: `physical volume of LVM: ${reason}` } as const;
  return { part: undefined, damage };
}

function labelIn(head: Buffer): { pvUuid: string; areas: Area[] } | undefined {
  for (let sector = 0; sector < LABEL_SECTORS; sector += 1) {
    const at = sector * SECTOR_BYTES;
    const label = head.subarray(at, at + SECTOR_BYTES);
    if (label.length === SECTOR_BYTES && label.toString('latin1', 0, 8) === LABEL) {
      const header = label.readUInt32LE(20);
      return header + 40 > SECTOR_BYTES
        ? undefined
        : {
            pvUuid: label.toString('latin1', header, header + 32),
            areas: areasIn(label.subarray(header + 40)),
          };
    }
  }
  return undefined;
}

/** Two lists, each ended by zeroes: the places of data, then those of metadata. */
function areasIn(lists: Buffer): Area[] {
  const areas: Area[] = [];
  let isMetadata = false;
  for (let at = 0; at + 16 <= lists.length && areas.length < MOST_AREAS; at += 16) {
    const offset = Number(lists.readBigUInt64LE(at));
    const sizeBytes = Number(lists.readBigUInt64LE(at + 8));
    if (offset === 0) {
      if (isMetadata) {
        break;
      }
      isMetadata = true;
    } else if (isMetadata) {
      areas.push({ offset, sizeBytes });
    }
  }
  return areas;
}

async function readCopy(read: ReadAt, area: Area): Promise<Copy> {
  const header = await read(area.offset, AREA_HEADER_BYTES);
  if (header.length < AREA_HEADER_BYTES || header.toString('latin1', 4, 20) !== AREA_MAGIC) {
    return { kind: 'damaged', reason: 'its metadata area cannot be read' };
  }
  if (header.readUInt32LE(0) !== crcOf(header.subarray(4))) {
    return { kind: 'damaged', reason: 'the checksum of its metadata area is wrong' };
  }
  const offset = Number(header.readBigUInt64LE(40));
  const length = Number(header.readBigUInt64LE(48));
  if (offset === 0 || length === 0 || (header.readUInt32LE(60) & IGNORED) !== 0) {
    return { kind: 'none' };
  }
  if (offset >= area.sizeBytes || length > Math.min(area.sizeBytes, MOST_TEXT_BYTES)) {
    return { kind: 'damaged', reason: 'its metadata lies outside its area' };
  }
  const text = await readAround(read, area, offset, length);
  if (crcOf(text) !== header.readUInt32LE(56)) {
    return { kind: 'damaged', reason: 'the checksum of its metadata is wrong' };
  }
  const group = volumeGroupIn(text.toString('utf8'));
  return group === undefined
    ? { kind: 'damaged', reason: 'its metadata cannot be understood' }
    : { kind: 'group', group };
}

/** The area is a ring behind its header. */
async function readAround(
  read: ReadAt,
  area: Area,
  offset: number,
  length: number,
): Promise<Buffer> {
  const untilEnd = Math.min(length, area.sizeBytes - offset);
  const start = await read(area.offset + offset, untilEnd);
  return untilEnd === length
    ? start
    : Buffer.concat([start, await read(area.offset + AREA_HEADER_BYTES, length - untilEnd)]);
}

/** LVM's CRC-32 neither begins nor ends with a complement. */
function crcOf(bytes: Uint8Array): number {
  return ~crc32(bytes, ~CRC_START >>> 0) >>> 0;
}
