import { open, readFile } from 'node:fs/promises';

/** Where a file system stands in the ledger of the run that freezes it; as native/ledger.h numbers them. */
export const FREEZE_STATES = [
  'idle',
  'requested',
  'freezing',
  'frozen',
  'refused',
  'thawed',
] as const;
export type FreezeState = (typeof FREEZE_STATES)[number];

/** What a run has frozen, as it stands when it is read. */
export interface LedgerReading {
  /** Former value of rcu_expedited, where the run has changed it and not put it back. */
  readonly gracePeriods: number | undefined;
  /** In the order of the mount points given to `Freezer.open`. */
  readonly fileSystems: readonly LedgerLine[];
}

export interface LedgerLine {
  readonly state: FreezeState;
  /** Id of the run's thread that calls FIFREEZE for it. */
  readonly freezingThread: number;
}

// The layout of native/ledger.h, where it is asserted. Both machines that we know are little-endian.
const MAGIC = 0x5a464646;
const VERSION = 1;
const HEADER_BYTES = 64;
const LINE_BYTES = 64;
const EXPEDITED_AT = 32;

/**
 * Reads a ledger that `Freezer.keepLedger` has named; it is written to by native threads as long as
 * its run lives.
 *
 * @returns undefined where it is no ledger of this version; rejects where it cannot be read
 */
export async function readLedger(path: string): Promise<LedgerReading | undefined> {
  return parseLedger(await readFile(path));
}

export function parseLedger(bytes: Uint8Array): LedgerReading | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < HEADER_BYTES) {
    return undefined;
  }
  const count = view.getUint32(8, true);
  const isOurs =
    view.getUint32(0, true) === MAGIC &&
    view.getUint32(4, true) === VERSION &&
    bytes.byteLength === HEADER_BYTES + count * LINE_BYTES;
  if (!isOurs) {
    return undefined;
  }
  const fileSystems = Array.from({ length: count }, (_, index) => readLine(view, index));
  if (!fileSystems.every((line) => line !== undefined)) {
    return undefined;
  }
  const isExpedited = view.getUint32(EXPEDITED_AT, true) !== 0;
  return { gracePeriods: isExpedited ? view.getInt32(28, true) : undefined, fileSystems };
}

function readLine(view: DataView, index: number): LedgerLine | undefined {
  const at = lineAt(index);
  const state = FREEZE_STATES[view.getUint32(at, true)];
  return state === undefined ? undefined : { state, freezingThread: view.getInt32(at + 4, true) };
}

/**
 * Enters into a dead run's ledger that these file systems are thawed: its guardian, where it was only
 * stopped and goes on, would otherwise thaw what somebody else has frozen since.
 */
export async function enterThawed(path: string, fileSystems: readonly number[]): Promise<void> {
  for (const index of fileSystems) {
    await writeNumber(path, lineAt(index), FREEZE_STATES.indexOf('thawed'));
  }
}

/** The same for grace periods that have been put back. */
export async function enterRestored(path: string): Promise<void> {
  await writeNumber(path, EXPEDITED_AT, 0);
}

function lineAt(index: number): number {
  return HEADER_BYTES + index * LINE_BYTES;
}

async function writeNumber(path: string, position: number, value: number): Promise<void> {
  await using file = await open(path, 'r+');
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  await file.write(bytes, 0, bytes.length, position);
}
