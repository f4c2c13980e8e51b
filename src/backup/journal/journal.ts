import { mkdir, readdir, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileSystem } from '../../filesystems/model.ts';
import { type ProcessIdentity, processIdentity, stillRuns } from './process-identity.ts';

/** On a tmpfs: a reboot thaws everything, and forgets what was frozen. */
export const JOURNAL_DIRECTORY = '/run/flashfreeze';

/** 1 where RCU grace periods are expedited, as they are while a run freezes. */
export const GRACE_PERIODS_PATH = '/sys/kernel/rcu_expedited';

/** A run from before its first freeze to after its last thaw. */
export interface JournalEntry {
  readonly process: ProcessIdentity;
  /** ISO-8601 UTC */
  readonly begun: string;
  readonly fileSystems: readonly JournaledFileSystem[];
  /** Content of `GRACE_PERIODS_PATH` before the run; missing where the kernel has no such file. */
  readonly gracePeriods?: string;
}

export type JournaledFileSystem = Pick<FileSystem, 'mountPoint' | 'device'>;

/** An entry whose process is gone: it died in between. */
export interface UnfinishedRun extends JournalEntry {
  readonly path: string;
}

/** Notes that a run of this process may freeze these file systems, until disposed. */
export class Journal implements AsyncDisposable {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Rejects with the system's error where the note cannot be written; nothing may be frozen then. */
  static async begin(
    fileSystems: readonly JournaledFileSystem[],
    directory: string = JOURNAL_DIRECTORY,
  ): Promise<Journal> {
    const process = await processIdentity('self');
    const entry: JournalEntry = {
      process,
      begun: new Date().toISOString(),
      fileSystems: fileSystems.map(({ mountPoint, device }) => ({ mountPoint, device })),
      ...(await readGracePeriods()),
    };
    const path = join(directory, `${process.pid}-${process.startTicks}.json`);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await writeFile(`${path}.new`, JSON.stringify(entry), { mode: 0o600 });
    await rename(`${path}.new`, path);
    return new Journal(path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await unlink(this.#path);
  }
}

/** The runs that died between freeze and thaw and have not been looked after since. */
export async function unfinishedRuns(
  directory: string = JOURNAL_DIRECTORY,
): Promise<UnfinishedRun[]> {
  const names = await readdir(directory).catch(() => []);
  const runs = await Promise.all(
    names.filter((name) => name.endsWith('.json')).map((name) => readEntry(join(directory, name))),
  );
  const known = runs.filter((run) => run !== undefined);
  const running = await Promise.all(known.map((run) => stillRuns(run.process)));
  return known.filter((_, index) => running[index] === false);
}

/** Forgets a run that has been looked after. */
export async function forget({ path }: UnfinishedRun): Promise<void> {
  await unlink(path);
}

async function readGracePeriods(): Promise<Pick<JournalEntry, 'gracePeriods'>> {
  try {
    return { gracePeriods: (await readFile(GRACE_PERIODS_PATH, 'utf8')).trim() };
  } catch {
    return {};
  }
}

/** Undefined for one that has just been removed, or is none of ours. */
async function readEntry(path: string): Promise<UnfinishedRun | undefined> {
  try {
    const entry = JSON.parse(await readFile(path, 'utf8')) as JournalEntry;
    return Array.isArray(entry.fileSystems) ? { ...entry, path } : undefined;
  } catch {
    return undefined;
  }
}
