import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseJsonObject, textOf } from '../../snapshot/host/json.ts';
import { isJsonObject } from '../settings/json.ts';
import type { OrderFault } from './orders.ts';

/** In the extension's directory, and gone with it. */
const NOTE_FILE = 'order.json';

/**
 * What has become of an order whose result the host does not know yet, so that a host which repeats it is
 * told that, and does not get a second snapshot beside the first.
 */
export type OrderNote =
  /** It is being carried out, or who did so has died. */
  | { readonly kind: 'begun' }
  /** Only telling the host has failed. */
  | { readonly kind: 'concluded'; readonly fault: OrderFault | undefined };

/** What is noted of this order; undefined where nothing is, or it is of another one. Never rejects. */
export async function readOrderNote(
  directory: string,
  snapshotId: string,
): Promise<OrderNote | undefined> {
  const text = await readFile(join(directory, NOTE_FILE), 'utf8').catch(() => '');
  const note = parseJsonObject(text);
  if (note?.snapshotId !== snapshotId) {
    return undefined;
  }
  return note.kind === 'concluded'
    ? { kind: 'concluded', fault: faultIn(note.fault) }
    : { kind: 'begun' };
}

function faultIn(value: unknown): OrderFault | undefined {
  return isJsonObject(value)
    ? { code: textOf(value.code) ?? '2', message: textOf(value.message) ?? '' }
    : undefined;
}

/** Takes the place of what was noted before. Never while anything is frozen. @throws what the system says */
export async function writeOrderNote(
  directory: string,
  snapshotId: string,
  note: OrderNote,
): Promise<void> {
  const path = join(directory, NOTE_FILE);
  await writeFile(`${path}.new`, JSON.stringify({ snapshotId, ...note }), { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/** The host knows. @throws what the system says */
export async function removeOrderNote(directory: string): Promise<void> {
  await rm(join(directory, NOTE_FILE), { force: true });
}
