import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Observation } from './cut.ts';
import { SLOT_COUNT } from './order.ts';
import { decodeRecords } from './record.ts';

/** Directory of a chain on a file system. */
export function chainDirectory(mountPoint: string, chain: number): string {
  return join(mountPoint, `chain${chain}`);
}

export const LOG_FILE = 'log';
export const NEW_FILE = 'new';
export const slotFile = (slot: number): string => `slot${slot}`;

/** Reads what a place, mounted at `mountPoint`, holds of a chain. */
export function readHolding(mountPoint: string, place: number, chain: number): Observation {
  const damage: string[] = [];
  const read = (name: string): readonly number[] => {
    const path = join(chainDirectory(mountPoint, chain), name);
    if (!existsSync(path)) {
      return [];
    }
    const decoded = decodeRecords(chain, readFileSync(path), name);
    damage.push(...decoded.damage);
    return decoded.numbers;
  };
  const slots = new Map<number, number>();
  for (let slot = 0; slot < SLOT_COUNT; slot += 1) {
    const [k] = read(slotFile(slot));
    if (k !== undefined) {
      slots.set(slot, k);
    }
  }
  return { place, appended: read(LOG_FILE), slots, damage };
}
