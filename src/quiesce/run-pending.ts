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
import { awaitSurvivingScripts, endSurvivingScripts } from './scripts/surviving-script.ts';

/**
 * Runs, in parallel, the clean-up that a dead run left pending. Scripts are checked as in a run. A fault of a script or a
 * database does not make it reject.
 *
 * Before the first script is started, what an earlier process has left running of all of them is over: a second copy
 * beside the first could undo what that one does, and a script that this process has started must not be taken for one.
 *
 * @param note hears what they print
 */
export async function runPending(
  pending: readonly PendingCleanup[],
  note: (message: string) => void,
): Promise<CleanupResult[]> {
  const scripts = pending.filter((each) => each.kind === 'script');
  const isClear = Promise.all(scripts.map(clearSurvivors));
  return await Promise.all(pending.map((each) => runOne(each, isClear, note)));
}

async function runOne(
  pending: PendingCleanup,
  isClear: Promise<readonly Cleared[]>,
  note: (message: string) => void,
): Promise<CleanupResult> {
  switch (pending.kind) {
    case 'script': {
      const cleared = (await isClear).find((it) => it.pending === pending);
      return await runPendingScript(pending, cleared?.done ?? [], note);
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

interface Cleared {
  readonly pending: PendingScript;
  /** What became of the scripts that still ran, as parts of a sentence. */
  readonly done: readonly string[];
}

/**
 * The pre-script is ended: if it went on behind the post-script, the application would stay quiesced. An earlier copy of
 * the post-script does what is wanted, so it gets its time. (If one file is both, nothing tells which of them runs.)
 */
async function clearSurvivors(pending: PendingScript): Promise<Cleared> {
  const { command, preScript, timeoutMs } = pending;
  const ended = preScript === undefined ? 0 : await endSurvivingScripts(preScript);
  const end = await awaitSurvivingScripts(command.path, timeoutMs);
  return {
    pending,
    done: [
      ...(ended === 0 ? [] : [`ended the pre-script ${preScript}, which still ran`]),
      ...(end === 'awaited' ? ['waited for an earlier start of the post-script to end'] : []),
      ...(end === 'ended'
        ? [
            `ended an earlier start of the post-script, which still ran after ${timeoutMs / 1_000} s`,
          ]
        : []),
    ],
  };
}

async function runPendingScript(
  pending: PendingScript,
  done: readonly string[],
  note: (message: string) => void,
): Promise<CleanupResult> {
  const { command, timeoutMs } = pending;
  const before = done.map((it) => `${it}, and `).join('');
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
