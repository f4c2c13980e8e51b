import { mkdir, readdir, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { OwedScript } from '../../quiesce/model.ts';
import { runOwedScripts } from '../../quiesce/scripts/owed.ts';
import { JOURNAL_DIRECTORY } from './journal.ts';
import { type ProcessIdentity, processIdentity, stillRuns } from './process-identity.ts';

/** Beside the entries of runs: a post-script may be owed where nothing is frozen at all. */
const OWED_DIRECTORY = join(JOURNAL_DIRECTORY, 'owed');

interface OwedEntry {
  /** Who will run them; where it has died, the next start of any command. */
  readonly process: ProcessIdentity;
  /** ISO-8601 UTC */
  readonly begun: string;
  readonly scripts: readonly OwedScript[];
}

/**
 * Notes that these post-scripts will have to be run, so that they are also after a crash of this process.
 * Rejects with the system's error where the note cannot be written; no pre-script may be begun then.
 *
 * @returns to be called when they have been run
 */
export async function oweScripts(
  scripts: readonly OwedScript[],
  directory: string = OWED_DIRECTORY,
): Promise<() => Promise<void>> {
  if (scripts.length === 0) {
    return async () => {};
  }
  const process = await processIdentity('self');
  const path = join(directory, `${process.pid}-${process.startTicks}.json`);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await write(path, { process, begun: new Date().toISOString(), scripts });
  return () => unlink(path);
}

/**
 * Runs the post-scripts that runs which died have left owed. Two commands that start at once do not both
 * run them: whoever renames an entry owns it, and owes its scripts in turn until they have been run.
 *
 * @param warn hears one sentence for each script
 * @param note hears what they print
 */
export async function settleOwedScripts(
  warn: (message: string) => void,
  note: (message: string) => void = () => {},
  directory: string = OWED_DIRECTORY,
): Promise<void> {
  for (const name of await readdir(directory).catch(() => [])) {
    const entry = await claim(join(directory, name), directory);
    if (entry !== undefined) {
      const sentences = await runOwedScripts(entry.scripts, note);
      await unlink(entry.path);
      for (const sentence of sentences) {
        warn(`A run that began ${entry.begun} died: ${sentence}`);
      }
    }
  }
}

/** Undefined for an entry whose process still runs, or that another process has claimed. */
async function claim(
  path: string,
  directory: string,
): Promise<(OwedEntry & { readonly path: string }) | undefined> {
  const entry = await read(path);
  if (entry === undefined || (await stillRuns(entry.process))) {
    return undefined;
  }
  const process = await processIdentity('self');
  const begun = entry.begun;
  const own = join(directory, `${process.pid}-${process.startTicks}-${entry.process.pid}.json`);
  const claimed = `${path}.claimed`;
  try {
    // Only one of several succeeds; the others find nothing any more.
    await rename(path, claimed);
  } catch {
    return undefined;
  }
  await write(own, { process, begun, scripts: entry.scripts });
  try {
    await unlink(claimed);
  } catch {
    // A third one has claimed it in between.
    await unlink(own);
    return undefined;
  }
  return { ...entry, path: own };
}

async function write(path: string, entry: OwedEntry): Promise<void> {
  await writeFile(`${path}.new`, JSON.stringify(entry), { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/** Undefined for one that has just been removed, or is none of ours. */
async function read(path: string): Promise<OwedEntry | undefined> {
  try {
    const entry = JSON.parse(await readFile(path, 'utf8')) as OwedEntry;
    return Array.isArray(entry.scripts) ? entry : undefined;
  } catch {
    return undefined;
  }
}
