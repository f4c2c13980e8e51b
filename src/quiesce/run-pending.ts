import { resumeBalance } from '../filesystems/btrfs/balance.ts';
import { deadlineIn } from '../system/stamps.ts';
import { runPendingStatements } from './databases/pending-statements.ts';
import type {
  CleanupResult,
  PendingBalance,
  PendingCleanup,
  PendingScript,
} from './quiesce-types.ts';
import { openStep, runStep } from './scripts/script-step.ts';
import { endSurvivingScripts } from './scripts/surviving-script.ts';

/**
 * Runs, in parallel, the clean-up that a dead run left pending. Scripts are checked as in a run. A fault of a script or a
 * database does not make it reject.
 *
 * @param note hears what they print
 */
export async function runPending(
  pending: readonly PendingCleanup[],
  note: (message: string) => void,
): Promise<CleanupResult[]> {
  return await Promise.all(pending.map((each) => runOne(each, note)));
}

async function runOne(
  pending: PendingCleanup,
  note: (message: string) => void,
): Promise<CleanupResult> {
  switch (pending.kind) {
    case 'script':
      return await runPendingScript(pending, note);
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

async function runPendingScript(
  pending: PendingScript,
  note: (message: string) => void,
): Promise<CleanupResult> {
  const { command, timeoutMs, preScript } = pending;
  // If it went on behind the post-script, the application would stay quiesced.
  const ended = preScript === undefined ? 0 : await endSurvivingScripts(preScript);
  const before = ended === 0 ? '' : `ended the pre-script ${preScript}, which still ran, and `;
  const step = openStep('post', command, timeoutMs);
  const failure = step.ok ? await runOpened(step) : step;
  return failure === undefined
    ? {
        sentence: `${before}ran the post-script ${command.path}, which that run had left undone`,
        left: undefined,
      }
    : {
        sentence: `the post-script ${command.path}, which that run had left undone, failed: ${failure.message} (${failure.code}); the next command will retry`,
        left: pending,
      };

  async function runOpened(opened: Extract<typeof step, { ok: true }>): ReturnType<typeof runStep> {
    using _file = opened;
    const allMs = timeoutMs * (command.retries + 1);
    const hostDeadlineNs = deadlineIn(allMs);
    return await runStep(opened, { hostDeadlineNs, abort: undefined, note });
  }
}
