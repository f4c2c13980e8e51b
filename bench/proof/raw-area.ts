import { open } from 'node:fs/promises';
import type { Observation } from './cut.ts';
import { type Chain, SLOT_COUNT, type Step } from './order.ts';
import { decodeRecords, RECORD_BYTES } from './record.ts';

/** Behind the partition table, inside the only partition. */
const FIRST_AREA_BYTES = 2 ** 20;
/** Each chain has an area of its own: its slots, then its log. */
const AREA_BYTES = 4 * 2 ** 20;
const LOG_BYTES = SLOT_COUNT * RECORD_BYTES;
/** For the second partition table, at the end. */
const TAIL_BYTES = 2 ** 20;

export function rawDiskBytes(chains: number): number {
  return FIRST_AREA_BYTES + chains * AREA_BYTES + TAIL_BYTES;
}

/** Where a step of a chain lies on a raw disk. Throws RangeError where its area is full. */
export function rawOffset(chain: number, { kind, slot, round }: Step): number {
  const at = kind === 'replace' ? slot * RECORD_BYTES : LOG_BYTES + (round / 2) * RECORD_BYTES;
  if (at >= AREA_BYTES) {
    throw new RangeError(`the area of chain ${chain} on a raw disk is full`);
  }
  return FIRST_AREA_BYTES + chain * AREA_BYTES + at;
}

/** Reads what the image of a raw disk holds of every chain. */
export async function readRaw(
  imagePath: string,
  place: number,
  chains: readonly Chain[],
): Promise<readonly Observation[]> {
  await using image = await open(imagePath, 'r');
  const observations: Observation[] = [];
  for (const { number } of chains) {
    const area = Buffer.alloc(AREA_BYTES);
    await image.read(area, 0, AREA_BYTES, FIRST_AREA_BYTES + number * AREA_BYTES);
    observations.push(holdingIn(area, place, number));
  }
  return observations;
}

function holdingIn(area: Buffer, place: number, chain: number): Observation {
  const slots = new Map<number, number>();
  const damage: string[] = [];
  for (let slot = 0; slot < SLOT_COUNT; slot += 1) {
    const written = withoutZeros(area.subarray(slot * RECORD_BYTES, (slot + 1) * RECORD_BYTES));
    const decoded = decodeRecords(chain, written, `slot ${slot}`);
    damage.push(...decoded.damage);
    for (const k of decoded.numbers) {
      slots.set(slot, k);
    }
  }
  const log = decodeRecords(chain, withoutZeros(area.subarray(LOG_BYTES)), 'log');
  return { place, appended: log.numbers, slots, damage: [...damage, ...log.damage] };
}

const NOTHING = Buffer.alloc(RECORD_BYTES);

/** Up to the last record that was ever written. */
function withoutZeros(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && bytes.subarray(end - RECORD_BYTES, end).equals(NOTHING)) {
    end -= RECORD_BYTES;
  }
  return bytes.subarray(0, end);
}
