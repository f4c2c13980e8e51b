import type { LedgerReading } from '../../freezer/ledger.ts';
import type { JournalEntry, JournaledFileSystem } from './journal.ts';

/** What a dead run's ledger came to: `lost` where it cannot be read, or never was a file. */
export type DeadLedger = LedgerReading | 'gone' | 'lost';

/** A thaw that is owed after the death of the run that froze. */
export interface PendingThaw extends JournaledFileSystem {
  /** Its line in the ledger; undefined where nobody knows whether the run had frozen it. */
  readonly line: number | undefined;
  /** The run's thread that was in FIFREEZE, where that had not returned when the run died. */
  readonly freezingThread: number | undefined;
}

/**
 * Which file systems have to be thawed for a run that died: those only that stood as frozen by it, or
 * about to be. One whose freeze was refused is somebody else's, and so is one that was thawed before the
 * death and is frozen now. Where no ledger tells, all of them: nothing stays frozen.
 *
 * The state decides, not the kernel: that does not show who has frozen a file system. So one that
 * somebody thawed *and* froze again since the death is taken for the run's own.
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
