import { lstat, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { FlashfreezeError } from '../../errors.ts';
import type { FileSystem } from '../../filesystems/plan-types.ts';
import {
  isOfEarlierBoot,
  type ProcessIdentity,
  processIdentity,
  readBootId,
  stillRuns,
} from '../../system/process-identity.ts';
import { writeWhole } from '../../system/replace-file.ts';

/** On a tmpfs: a reboot thaws everything and also deletes the journal. */
export const JOURNAL_DIRECTORY = '/run/flashfreeze';

/** Contains 1 if RCU grace periods are expedited, as they are while a run freezes. */
export const GRACE_PERIODS_PATH = '/sys/kernel/rcu_expedited';

/** A note of a run that exists from before its first freeze to after its last thaw. */
export interface JournalEntry {
  readonly process: ProcessIdentity;
  /** An entry of an earlier boot is void: a reboot thaws everything. Missing if the id was unknown. */
  readonly bootId?: string;
  /** ISO-8601 UTC */
  readonly begun: string;
  readonly fileSystems: readonly JournaledFileSystem[];
  /**
   * Name of the ledger's file beside the entry; its lines are in the order of `fileSystems`. It exists as long as
   * anything may be frozen: created after the entry, removed before it. Missing if the ledger is only in memory; the
   * death of the run then loses which file systems it had frozen.
   */
  readonly ledger?: string;
  /** Why the ledger is only in memory. */
  readonly ledgerInMemoryBecause?: string;
  /** Content of `GRACE_PERIODS_PATH` before the run; missing if the kernel has no such file. */
  readonly gracePeriods?: string;
}

export type JournaledFileSystem = Pick<FileSystem, 'mountPoint' | 'device'>;

/** An entry whose process never runs again: the run died between freeze and thaw. */
export interface UnfinishedRun extends JournalEntry {
  readonly path: string;
  /** Path of its ledger; undefined if the ledger has no file. */
  readonly ledgerPath: string | undefined;
}

/** Keeps the ledger of a run, as `Freezer` does. */
export interface LedgerKeeper {
  /** Gives the ledger a file; returns the reason if that fails. */
  keepLedger(path: string): string | undefined;
}

/** The note, until disposed of, that a run of this process may freeze these file systems. */
export class Journal implements AsyncDisposable {
  readonly #path: string;
  readonly #ledgerPath: string;

  private constructor(path: string, ledgerPath: string) {
    this.#path = path;
    this.#ledgerPath = ledgerPath;
  }

  /**
   * @param fileSystems in the order in which the keeper of the ledger has opened them
   * @throws FlashfreezeError FF_FREEZE_FAILED if the directory is not safe or the note cannot be written. Nothing may be
   * frozen then.
   */
  static async begin(
    fileSystems: readonly JournaledFileSystem[],
    keeper: LedgerKeeper,
    directory: string = JOURNAL_DIRECTORY,
  ): Promise<Journal> {
    const process = await processIdentity('self');
    const name = `${process.pid}-${process.startTicks}`;
    const path = join(directory, `${name}.json`);
    const ledgerPath = join(directory, `${name}.ledger`);
    const bootId = await readBootId();
    const entry: JournalEntry = {
      process,
      ...(bootId === undefined ? {} : { bootId }),
      begun: new Date().toISOString(),
      fileSystems: fileSystems.map(({ mountPoint, device }) => ({ mountPoint, device })),
      ...(await readGracePeriods()),
    };
    await writing(directory, mkdir(directory, { recursive: true, mode: 0o700 }));
    if (!(await isSafe(directory))) {
      throw unsafeError(directory);
    }
    await writing(directory, writeEntry(path, { ...entry, ledger: basename(ledgerPath) }));
    const inMemoryBecause = keeper.keepLedger(ledgerPath);
    if (inMemoryBecause !== undefined) {
      await writing(
        directory,
        writeEntry(path, { ...entry, ledgerInMemoryBecause: inMemoryBecause }),
      );
    }
    return new Journal(path, ledgerPath);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#ledgerPath, { force: true });
    await rm(this.#path, { force: true });
  }
}

/** The runs of this boot that died between freeze and thaw and have not been recovered yet. */
export async function unfinishedRuns(
  directory: string = JOURNAL_DIRECTORY,
): Promise<UnfinishedRun[]> {
  if (!(await isSafe(directory))) {
    return [];
  }
  const names = await readdir(directory).catch(() => []);
  const runs = await Promise.all(
    names.filter((name) => name.endsWith('.json')).map((name) => readEntry(directory, name)),
  );
  const bootId = await readBootId();
  const known = runs.filter((run) => run !== undefined);
  const earlier = known.filter((run) => isOfEarlierBoot(run.bootId, bootId));
  const current = known.filter((run) => !earlier.includes(run));
  await Promise.all(earlier.map(forget));
  const running = await Promise.all(current.map((run) => stillRuns(run.process)));
  return current.filter((_, index) => running[index] === false);
}

/** Deletes the entry of a run that has been recovered. */
export async function forget({ path, ledgerPath }: UnfinishedRun): Promise<void> {
  if (ledgerPath !== undefined) {
    await rm(ledgerPath, { force: true });
  }
  await rm(path, { force: true });
}

/**
 * For a run without a readable ledger: reduces its entry to the file systems that are still to be thawed. The others
 * are thawed, and another tool may have frozen them by the next recovery.
 */
export async function keepOnly(
  run: UnfinishedRun,
  fileSystems: readonly JournaledFileSystem[],
): Promise<void> {
  const { path, ledgerPath, ledger: _lost, gracePeriods: _restored, ...entry } = run;
  await writeEntry(path, {
    ledgerInMemoryBecause: 'its ledger cannot be read',
    ...entry,
    fileSystems,
  });
  if (ledgerPath !== undefined) {
    await rm(ledgerPath, { force: true });
  }
}

async function writeEntry(path: string, entry: JournalEntry): Promise<void> {
  await writeWhole(path, JSON.stringify(entry), { mode: 0o600 });
}

/** Whether only this user can write to it: its entries decide what root thaws. */
async function isSafe(directory: string): Promise<boolean> {
  const status = await lstat(directory).catch(() => undefined);
  if (status === undefined) {
    return false;
  }
  const isOurs = status.uid === process.geteuid?.() && (status.mode & 0o022) === 0;
  return isOurs && status.isDirectory();
}

/** @throws FlashfreezeError FF_FREEZE_FAILED in place of the system's error */
async function writing(directory: string, work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    const { code: errno = 'unknown', syscall = '' } = error as NodeJS.ErrnoException;
    throw new FlashfreezeError(
      'FF_FREEZE_FAILED',
      `cannot write the journal in "${directory}": ${errno}; nothing was frozen, because a freeze needs the journal. Free space on its file system, or make the directory writable.`,
      { systemCall: { errno, syscall, path: directory } },
    );
  }
}

function unsafeError(directory: string): FlashfreezeError {
  return new FlashfreezeError(
    'FF_FREEZE_FAILED',
    `cannot use the journal's directory "${directory}": it must belong to root and must not be writable by others. Correct its owner and mode`,
  );
}

async function readGracePeriods(): Promise<Pick<JournalEntry, 'gracePeriods'>> {
  try {
    return { gracePeriods: (await readFile(GRACE_PERIODS_PATH, 'utf8')).trim() };
  } catch {
    return {};
  }
}

/** Undefined if the entry has just been removed, or if flashfreeze did not write it. */
async function readEntry(directory: string, name: string): Promise<UnfinishedRun | undefined> {
  const path = join(directory, name);
  try {
    const entry: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (!isEntry(entry)) {
      return undefined;
    }
    const { ledger } = entry;
    const ledgerPath = ledger === undefined ? undefined : join(directory, basename(ledger));
    return { ...entry, path, ledgerPath };
  } catch {
    return undefined;
  }
}

/** By hand, because every command reads the journal first, and a library for it would take longer than all else of that. */
function isEntry(value: unknown): value is JournalEntry {
  const { process, fileSystems, ledger, bootId, gracePeriods } = value as Partial<JournalEntry>;
  return (
    typeof process?.pid === 'number' &&
    typeof process.startTicks === 'string' &&
    Array.isArray(fileSystems) &&
    fileSystems.every(
      (it: Partial<JournaledFileSystem> | null) =>
        typeof it?.mountPoint === 'string' && typeof it.device === 'string',
    ) &&
    [ledger, bootId, gracePeriods].every((it) => ['undefined', 'string'].includes(typeof it))
  );
}
