import { mkdir, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { MarkDone, PendingCleanup } from '../../quiesce/quiesce-types.ts';
import { runPending } from '../../quiesce/run-pending.ts';
import { type ProcessIdentity, processIdentity, stillRuns } from '../../system/process-identity.ts';
import { writeWhole } from '../../system/replace-file.ts';
import { JOURNAL_DIRECTORY } from './journal.ts';

/** A directory of its own beside the entries of runs: clean-up may be pending although nothing is frozen. */
export const PENDING_DIRECTORY = join(JOURNAL_DIRECTORY, 'owed');

/** Number of notes that this process has written: a run may write several. */
let notes = 0;

/** The identity of no process: any process may claim an entry with it. */
const NO_PROCESS: ProcessIdentity = { pid: 0, startTicks: '0' };

interface PendingEntry {
  /** The process that will do the clean-up. If it has died or is `NO_PROCESS`, the next command does it. */
  readonly process: ProcessIdentity;
  /** ISO-8601 UTC */
  readonly begun: string;
  readonly owed: readonly PendingCleanup[];
}

/**
 * Writes a note of clean-up that will be necessary, so that it happens also after a crash of this process. Rejects with
 * the system's error if the note cannot be written; the caller must then not start what would need the clean-up.
 *
 * @returns a function to be called when the clean-up has been done, or is left to the next command
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
  return (left = []) => updateNote(path, begun, left);
}

async function updateNote(
  path: string,
  begun: string,
  left: readonly PendingCleanup[],
): Promise<void> {
  await (left.length === 0
    ? unlink(path)
    : write(path, { process: NO_PROCESS, begun, owed: left }));
}

/** Whether there is clean-up that no live process is responsible for. Never rejects. */
export async function hasAbandonedCleanup(): Promise<boolean> {
  for (const path of await notesIn(PENDING_DIRECTORY)) {
    const entry = await read(path);
    if (entry !== undefined && !(await stillRuns(entry.process))) {
      return true;
    }
  }
  return false;
}

async function notesIn(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch(() => []);
  return names.filter((it) => !it.startsWith('.')).map((it) => join(directory, it));
}

/**
 * Runs the clean-up that dead runs have left pending: post-scripts, and changes that a database does not undo by itself.
 * Two commands that start at the same time do not both run it: the process that renames an entry owns it, and is
 * responsible for it until the clean-up has been done. Failed clean-up stays pending for the next command. The caller
 * must hold the application lock (application-lock.ts). Never rejects.
 *
 * @param warn gets one sentence for each clean-up
 * @param note gets the output of scripts
 */
export async function runPendingCleanup(
  warn: (message: string) => void,
  note: (message: string) => void = () => {},
  directory: string = PENDING_DIRECTORY,
): Promise<void> {
  for (const path of await notesIn(directory)) {
    try {
      const entry = await claim(path, directory);
      if (entry !== undefined) {
        await cleanUp(entry, warn, note);
      }
    } catch (error) {
      warn(`Cannot run the clean-up that an earlier run left in ${path}: ${String(error)}`);
    }
  }
}

interface ClaimedEntry extends PendingEntry {
  readonly path: string;
}

async function cleanUp(
  { path, begun, owed }: ClaimedEntry,
  warn: (message: string) => void,
  note: (message: string) => void,
): Promise<void> {
  const results = await runPending(owed, note);
  for (const { sentence, left } of results) {
    const where = left === undefined ? '' : ` (noted in ${path})`;
    warn(`Clean-up for a run that began ${begun} and died: ${sentence}${where}`);
  }
  await updateNote(
    path,
    begun,
    results.flatMap(({ left }) => left ?? []),
  );
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
    // Only one of several processes succeeds; the others no longer find the entry.
    await rename(path, claimed);
  } catch {
    return undefined;
  }
  await write(own, { process, begun, owed: entry.owed });
  try {
    await unlink(claimed);
  } catch {
    // A third process has claimed it in the meantime.
    await unlink(own);
    return undefined;
  }
  return { ...entry, path: own };
}

async function write(path: string, entry: PendingEntry): Promise<void> {
  await writeWhole(path, JSON.stringify(entry), { mode: 0o600 });
}

/** Undefined if the entry has just been removed, or if flashfreeze did not write it. Never rejects. */
async function read(path: string): Promise<PendingEntry | undefined> {
  try {
    const entry = JSON.parse(await readFile(path, 'utf8')) as PendingEntry;
    return Array.isArray(entry.owed) && typeof entry.process === 'object' && entry.process !== null
      ? entry
      : undefined;
  } catch {
    return undefined;
  }
}
