import { mkdir, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { MarkDone, PendingCleanup } from '../../quiesce/quiesce-types.ts';
import { runPending } from '../../quiesce/run-pending.ts';
import { type ProcessIdentity, processIdentity, stillRuns } from '../../system/process-identity.ts';
import { writeWhole } from '../../system/replace-file.ts';
import { JOURNAL_DIRECTORY } from './journal.ts';

/** Beside the entries of runs: something may be owed where nothing is frozen at all. */
export const PENDING_DIRECTORY = join(JOURNAL_DIRECTORY, 'owed');

/** Of this process so far: a run may note several. */
let notes = 0;

/** The identity of no process: whoever comes first may claim an entry of it. */
const NOBODY: ProcessIdentity = { pid: 0, startTicks: '0' };

interface PendingEntry {
  /** Who will do it; where that has died or is nobody, the next start of any command. */
  readonly process: ProcessIdentity;
  /** ISO-8601 UTC */
  readonly begun: string;
  readonly owed: readonly PendingCleanup[];
}

/**
 * Notes that this will have to be done, so that it is also after a crash of this process. Rejects with the
 * system's error where the note cannot be written; nothing may be begun then that owes it.
 *
 * @returns to be called when it has been done, or is left to others
 */
export async function notePendingCleanup(
  owed: readonly PendingCleanup[],
  directory: string = PENDING_DIRECTORY,
): Promise<MarkDone> {
  if (owed.length === 0) {
    return async () => {};
  }
  const process = await processIdentity('self');
  notes += 1;
  const path = join(directory, `${process.pid}-${process.startTicks}-${notes}.json`);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const begun = new Date().toISOString();
  await write(path, { process, begun, owed });
  return (left = []) => settle(path, begun, left);
}

async function settle(path: string, begun: string, left: readonly PendingCleanup[]): Promise<void> {
  await (left.length === 0 ? unlink(path) : write(path, { process: NOBODY, begun, owed: left }));
}

/** By this machine's runs, those that still live among them. */
export async function hasPendingCleanup(): Promise<boolean> {
  return (await readdir(PENDING_DIRECTORY).catch(() => [])).length > 0;
}

/**
 * Does what runs which died have left owed: post-scripts, and what a database does not undo by itself. Two
 * commands that start at once do not both do it: whoever renames an entry owns it, and owes it in turn until
 * it has been done. What fails stays owed, for the next command. To be called by who holds the applications
 * (application-lock.ts). Never rejects.
 *
 * @param warn hears one sentence for each
 * @param note hears what scripts print
 */
export async function runPendingCleanup(
  warn: (message: string) => void,
  note: (message: string) => void = () => {},
  directory: string = PENDING_DIRECTORY,
): Promise<void> {
  const names = await readdir(directory).catch(() => []);
  for (const name of names.filter((it) => !it.startsWith('.'))) {
    const path = join(directory, name);
    try {
      const entry = await claim(path, directory);
      if (entry !== undefined) {
        await pay(entry, warn, note);
      }
    } catch (error) {
      warn(`What a run has left owed in ${path} could not be looked after: ${String(error)}`);
    }
  }
}

interface ClaimedEntry extends PendingEntry {
  readonly path: string;
}

async function pay(
  { path, begun, owed }: ClaimedEntry,
  warn: (message: string) => void,
  note: (message: string) => void,
): Promise<void> {
  const payments = await runPending(owed, note);
  for (const { sentence } of payments) {
    warn(`A run that began ${begun} left something to be done: ${sentence}`);
  }
  const left = payments.flatMap((payment) => payment.left ?? []);
  await settle(path, begun, left);
}

/** Undefined for an entry whose process still runs, or that another process has claimed. */
async function claim(path: string, directory: string): Promise<ClaimedEntry | undefined> {
  const entry = await read(path);
  if (entry === undefined || (await stillRuns(entry.process))) {
    return undefined;
  }
  const process = await processIdentity('self');
  const begun = entry.begun;
  notes += 1;
  const own = join(directory, `${process.pid}-${process.startTicks}-${notes}.json`);
  const claimed = `${path}.claimed`;
  try {
    // Only one of several succeeds; the others find nothing any more.
    await rename(path, claimed);
  } catch {
    return undefined;
  }
  await write(own, { process, begun, owed: entry.owed });
  try {
    await unlink(claimed);
  } catch {
    // A third one has claimed it in between.
    await unlink(own);
    return undefined;
  }
  return { ...entry, path: own };
}

async function write(path: string, entry: PendingEntry): Promise<void> {
  await writeWhole(path, JSON.stringify(entry), { mode: 0o600 });
}

/** Undefined for one that has just been removed, or is none of ours. */
async function read(path: string): Promise<PendingEntry | undefined> {
  try {
    const entry = JSON.parse(await readFile(path, 'utf8')) as PendingEntry;
    return Array.isArray(entry.owed) ? entry : undefined;
  } catch {
    return undefined;
  }
}
