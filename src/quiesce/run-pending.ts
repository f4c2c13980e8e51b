import { resumeBalance } from '../filesystems/btrfs/balance.ts';
import { runOwedStatements } from './databases/pending-statements.ts';
import type { Owed, OwedBalance, OwedScript } from './model.ts';
import { openStep, runStep } from './scripts/script-step.ts';

/** What became of something owed. */
export interface Payment {
  /** For people. */
  readonly sentence: string;
  /** What of it is owed still; undefined where all was done. */
  readonly left: Owed | undefined;
}

/**
 * Does, side by side, what a run which died has left owed. Scripts are checked as always. Rejects for
 * nothing that can be wrong with a script or a database.
 *
 * @param note hears what they print
 */
export async function payOwed(
  owed: readonly Owed[],
  note: (message: string) => void,
): Promise<Payment[]> {
  return await Promise.all(owed.map((each) => payOne(each, note)));
}

async function payOne(owed: Owed, note: (message: string) => void): Promise<Payment> {
  switch (owed.kind) {
    case 'script':
      return await runOwedScript(owed, note);
    case 'statements':
      return await runOwedStatements(owed);
    case 'balance':
      return await resumeOwedBalance(owed);
  }
}

async function resumeOwedBalance(owed: OwedBalance): Promise<Payment> {
  const failure = await resumeBalance(owed);
  return failure === undefined
    ? {
        sentence: `the btrfs balance of ${owed.mountPoint}, which it had paused, goes on`,
        left: undefined,
      }
    : {
        sentence: `the btrfs balance of ${owed.mountPoint}, which it had paused, does not go on: ${failure}; the next command tries again`,
        left: owed,
      };
}

async function runOwedScript(owed: OwedScript, note: (message: string) => void): Promise<Payment> {
  const { command, timeoutMs } = owed;
  const step = openStep('post', command, timeoutMs);
  const failure = step.ok ? await runOpened(step) : step;
  return failure === undefined
    ? { sentence: `the post-script ${command.path}, still owed, was run`, left: undefined }
    : {
        sentence: `the post-script ${command.path}, still owed, failed: ${failure.message} (${failure.code}); the next command tries again`,
        left: owed,
      };

  async function runOpened(opened: Extract<typeof step, { ok: true }>): ReturnType<typeof runStep> {
    using _file = opened;
    const allMs = timeoutMs * (command.retries + 1);
    const hostDeadlineNs = process.hrtime.bigint() + BigInt(Math.round(allMs * 1e6));
    return await runStep(opened, { hostDeadlineNs, abort: undefined, note });
  }
}
