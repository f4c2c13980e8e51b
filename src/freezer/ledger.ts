import { open, readFile } from 'node:fs/promises';

/** The states of a file system in the ledger of its run, in the order of their numbers in native/ledger.h. */
export const FREEZE_STATES = [
  'idle',
  'requested',
  'freezing',
  'frozen',
  'refused',
  'thawed',
] as const;
export type FreezeState = (typeof FREEZE_STATES)[number];

/** What a run has frozen at the time of reading. */
export interface LedgerReading {
  /** The former value of rcu_expedited if the run has changed and not restored it. */
  readonly gracePeriods: number | undefined;
  /** In the order of the mount points given to `Freezer.open`. */
  readonly fileSystems: readonly LedgerLine[];
}

export interface LedgerLine {
  readonly state: FreezeState;
  /** Id of the run's thread that calls FIFREEZE for it. */
  readonly freezingThread: number;
}

// The layout that native/ledger.h asserts. Both supported machines are little-endian.
const MAGIC = 0x5a464646;
const VERSION = 1;
const HEADER_BYTES = 64;
const LINE_BYTES = 64;
const EXPEDITED_AT = 32;

/**
 * Reads a ledger that `Freezer.keepLedger` has named. Native threads write to it as long as its run lives.
 *
 * @returns undefined if it is not a ledger of this version; rejects if it cannot be read
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
 * Enters into a dead run's ledger that these file systems are thawed. If the run's guardian was only stopped
 * and continues, it would otherwise thaw what another tool has frozen since.
 */
export async function enterThawed(path: string, fileSystems: readonly number[]): Promise<void> {
  for (const index of fileSystems) {
    await writeNumber(path, lineAt(index), FREEZE_STATES.indexOf('thawed'));
  }
}

/** Enters into a dead run's ledger that its grace periods have been restored. */
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
