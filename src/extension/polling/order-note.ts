import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isJsonObject, parseJsonObject, textOf } from '../../system/json.ts';
import { writeWhole } from '../../system/replace-file.ts';
import type { OrderFault } from './orders.ts';

/** In the extension's directory; an upgrade carries it over to the new one's. */
const NOTE_FILE = 'order.json';

/**
 * The state of an order whose result the host does not have yet. If the host repeats the order, it gets this
 * result, not a second snapshot.
 */
export type OrderNote =
  /** It is being carried out, or the process that did so has died. */
  | { readonly kind: 'begun' }
  /** Only the report to the host has failed. */
  | { readonly kind: 'concluded'; readonly fault: OrderFault | undefined };

/** The note of this order; undefined if there is none, or if it is of another order. Never rejects. */
export async function readOrderNote(
  directory: string,
  snapshotId: string,
): Promise<OrderNote | undefined> {
  const note = parseJsonObject((await readNote(directory)) ?? '');
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

/** Replaces an earlier note. Not to be called while anything is frozen. @throws what the system says */
export async function writeOrderNote(
  directory: string,
  snapshotId: string,
  note: OrderNote,
): Promise<void> {
  await replaceNote(directory, JSON.stringify({ snapshotId, ...note }));
}

/**
 * Takes over the note of another version of the extension (update), because the host may still repeat that order.
 * A note of this version is kept.
 *
 * @throws what the system says
 */
export async function carryOverOrderNote(from: string, to: string): Promise<void> {
  const [theirs, own] = await Promise.all([from, to].map(readNote));
  if (theirs !== undefined && own === undefined) {
    await replaceNote(to, theirs);
  }
}

async function readNote(directory: string): Promise<string | undefined> {
  return await readFile(join(directory, NOTE_FILE), 'utf8').catch(() => undefined);
}

/** Synced: a machine that goes down right afterwards must not leave an empty file, which counts as none. */
async function replaceNote(directory: string, text: string): Promise<void> {
  await writeWhole(join(directory, NOTE_FILE), text, { mode: 0o600 });
}

/** For when the host has the result. @throws what the system says */
export async function removeOrderNote(directory: string): Promise<void> {
  await rm(join(directory, NOTE_FILE), { force: true });
}
