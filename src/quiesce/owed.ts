import { runOwedStatements } from './databases/owed-statements.ts';
import type { Owed, OwedScript } from './model.ts';
import { openStep, runStep } from './scripts/script-step.ts';

/**
 * Does, side by side, what a run which died has left owed. Scripts are checked as always.
 *
 * @param note hears what they print
 * @returns one sentence for each
 */
export async function payOwed(
  owed: readonly Owed[],
  note: (message: string) => void,
): Promise<string[]> {
  return await Promise.all(
    owed.map((each) =>
      each.kind === 'script' ? runOwedScript(each, note) : runOwedStatements(each),
    ),
  );
}

async function runOwedScript(
  { command, timeoutMs }: OwedScript,
  note: (message: string) => void,
): Promise<string> {
  const step = openStep('post', command, timeoutMs);
  const failure = step.ok ? await runOpened(step) : step;
  return failure === undefined
    ? `the post-script ${command.path}, still owed, was run`
    : `the post-script ${command.path}, still owed, failed: ${failure.message} (${failure.code})`;

  async function runOpened(opened: Extract<typeof step, { ok: true }>): ReturnType<typeof runStep> {
    using _file = opened;
    const allMs = timeoutMs * (command.retries + 1);
    const hostDeadlineNs = process.hrtime.bigint() + BigInt(Math.round(allMs * 1e6));
    return await runStep(opened, { hostDeadlineNs, abort: undefined, note });
  }
}
