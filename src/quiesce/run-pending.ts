import { resumeBalance } from '../filesystems/btrfs/balance.ts';
import { runPendingStatements } from './databases/pending-statements.ts';
import type { CleanupResult, PendingBalance, PendingCleanup } from './quiesce-types.ts';
import { type Cleared, clearSurvivors, runPendingScript } from './scripts/pending-script.ts';

/**
 * Runs, in parallel, the clean-up that a dead run left pending. Scripts are checked as in a run. A fault of a script or a
 * database does not make it reject.
 *
 * Before the first script is started, what an earlier process has left running of all of them is over: a second copy
 * beside the first could undo what that one does, and a script that this process has started must not be taken for one.
 *
 * @param note hears what they print
 * @returns sentences without the secrets of the scripts and databases
 */
export async function runPending(
  pending: readonly PendingCleanup[],
  note: (message: string) => void,
): Promise<CleanupResult[]> {
  const scripts = pending.filter((it) => it.kind === 'script' || it.kind === 'post-script');
  const isClear = Promise.all(scripts.map(clearSurvivors));
  return await Promise.all(pending.map((each) => runOne(each, isClear, note)));
}

async function runOne(
  pending: PendingCleanup,
  isClear: Promise<readonly Cleared[]>,
  note: (message: string) => void,
): Promise<CleanupResult> {
  switch (pending.kind) {
    case 'post-script':
    case 'script': {
      const cleared = (await isClear).find((it) => it.pending === pending);
      return await runPendingScript(cleared ?? { pending, done: [] }, note);
    }
    case 'statements':
      return await runPendingStatements(pending);
    case 'balance':
      return await resumePendingBalance(pending);
  }
}

/** The run may have died while the balance still came to its pause, which cannot be taken back: wait for it this long. */
const PENDING_PAUSE_LIMIT_MS = 2_000;

async function resumePendingBalance(pending: PendingBalance): Promise<CleanupResult> {
  const failure = await resumeBalance(pending, PENDING_PAUSE_LIMIT_MS);
  return failure === undefined
    ? {
        sentence: `resumed the btrfs balance of ${pending.mountPoint}, which that run had paused`,
        left: undefined,
      }
    : {
        sentence: `cannot resume the btrfs balance of ${pending.mountPoint}, which that run had paused: ${failure}; the next command will retry`,
        left: pending,
      };
}
