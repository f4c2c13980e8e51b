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

/** On a tmpfs: a reboot thaws everything, and forgets what was frozen. */
export const JOURNAL_DIRECTORY = '/run/flashfreeze';

/** 1 where RCU grace periods are expedited, as they are while a run freezes. */
export const GRACE_PERIODS_PATH = '/sys/kernel/rcu_expedited';

/** A run from before its first freeze to after its last thaw. */
export interface JournalEntry {
  readonly process: ProcessIdentity;
  /** Of an earlier boot an entry is void: nothing stays frozen over a reboot. Missing where it was not known. */
  readonly bootId?: string;
  /** ISO-8601 UTC */
  readonly begun: string;
  readonly fileSystems: readonly JournaledFileSystem[];
  /**
   * Name of the ledger's file beside the entry, lines in the order of `fileSystems`. It is there as long
   * as anything may be frozen: made after the entry, removed before it. Missing where the ledger is in
   * memory only; then what the run has frozen is known to nobody after its death.
   */
  readonly ledger?: string;
  /** Why it is in memory only. */
  readonly ledgerInMemoryBecause?: string;
  /** Content of `GRACE_PERIODS_PATH` before the run; missing where the kernel has no such file. */
  readonly gracePeriods?: string;
}

export type JournaledFileSystem = Pick<FileSystem, 'mountPoint' | 'device'>;

/** An entry whose process is gone: it died in between. */
export interface UnfinishedRun extends JournalEntry {
  readonly path: string;
  /** Of its ledger, where it has a file. */
  readonly ledgerPath: string | undefined;
}

/** `Freezer` for one. */
export interface LedgerKeeper {
  /** Gives the ledger a name; returns why it cannot have one. */
  keepLedger(path: string): string | undefined;
}

/** Notes that a run of this process may freeze these file systems, until disposed. */
export class Journal implements AsyncDisposable {
  readonly #path: string;
  readonly #ledgerPath: string;

  private constructor(path: string, ledgerPath: string) {
    this.#path = path;
    this.#ledgerPath = ledgerPath;
  }

  /**
   * @param fileSystems in the order in which the keeper of the ledger has opened them
   * @throws FlashfreezeError FF_FREEZE_FAILED where the directory is not safe or the note cannot be written.
   * Nothing may be frozen then.
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

/** The runs of this boot that died between freeze and thaw and have not been looked after since. */
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

/** Forgets a run that has been looked after. */
export async function forget({ path, ledgerPath }: UnfinishedRun): Promise<void> {
  if (ledgerPath !== undefined) {
    await rm(ledgerPath, { force: true });
  }
  await rm(path, { force: true });
}

/**
 * Remembers of a run that has been looked after only what is still owed, where no ledger says so. The rest is
 * thawed, and may be frozen by others next time.
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

/** Whether it is ours alone: what is read there decides what root thaws. */
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
      `cannot write the journal in "${directory}": ${errno}; nothing is frozen without it. Make room there, or make it writable.`,
      { systemCall: { errno, syscall, path: directory } },
    );
  }
}

function unsafeError(directory: string): FlashfreezeError {
  return new FlashfreezeError(
    'FF_FREEZE_FAILED',
    `cannot use the journal's directory "${directory}": it must belong to root and not be writable by others; correct its owner and mode`,
  );
}

async function readGracePeriods(): Promise<Pick<JournalEntry, 'gracePeriods'>> {
  try {
    return { gracePeriods: (await readFile(GRACE_PERIODS_PATH, 'utf8')).trim() };
  } catch {
    return {};
  }
}

/** Undefined for one that has just been removed, or is none of ours. */
async function readEntry(directory: string, name: string): Promise<UnfinishedRun | undefined> {
  const path = join(directory, name);
  try {
    const entry = JSON.parse(await readFile(path, 'utf8')) as JournalEntry;
    const { ledger } = entry;
    const ledgerPath = ledger === undefined ? undefined : join(directory, basename(ledger));
    return Array.isArray(entry.fileSystems) ? { ...entry, path, ledgerPath } : undefined;
  } catch {
    return undefined;
  }
}
