import type { LedgerReading } from '../../freezer/ledger.ts';
import type { JournalEntry, JournaledFileSystem } from './journal.ts';

/** The ledger of a dead run; `gone`: already removed; `lost`: it cannot be read, or never was a file. */
export type DeadLedger = LedgerReading | 'gone' | 'lost';

/** A thaw that is pending because the run that froze has died. */
export interface PendingThaw extends JournaledFileSystem {
  /** Its line in the ledger; undefined if it is unknown whether the run had frozen it. */
  readonly line: number | undefined;
  /** The run's thread that was in FIFREEZE; undefined if FIFREEZE had returned when the run died. */
  readonly freezingThread: number | undefined;
}

/**
 * The file systems to be thawed for a dead run: only those that its ledger shows as frozen by it or about to be. A file
 * system whose freeze was refused was frozen by another tool, and so was one that the run had thawed before its death
 * and that is frozen now. Without a ledger, all of them: nothing stays frozen.
 *
 * The ledger decides, because the kernel does not show which tool has frozen a file system. So a file system that
 * another tool thawed *and* froze again since the death counts as frozen by the run.
 */
export function pendingThaws(
  { fileSystems }: Pick<JournalEntry, 'fileSystems'>,
  ledger: DeadLedger,
): PendingThaw[] {
  if (ledger === 'gone') {
    return [];
  }
  if (ledger === 'lost' || ledger.fileSystems.length !== fileSystems.length) {
    return fileSystems.map((it) => ({ ...it, line: undefined, freezingThread: undefined }));
  }
  return fileSystems.flatMap((it, line): PendingThaw[] => {
    const { state, freezingThread } = ledger.fileSystems[line] ?? {
      state: 'idle',
      freezingThread: undefined,
    };
    switch (state) {
      case 'frozen':
        return [{ ...it, line, freezingThread: undefined }];
      case 'freezing':
        return [{ ...it, line, freezingThread }];
      default:
        return [];
    }
  });
}
