import type { Finding, OwedScript } from '../model.ts';
import { openStep, runStep } from './script-step.ts';

/**
 * Runs, side by side, the post-scripts that a run which died has left owed. They are checked as always.
 *
 * @param note hears what they print
 * @returns one sentence for each
 */
export async function runOwedScripts(
  owed: readonly OwedScript[],
  note: (message: string) => void,
): Promise<string[]> {
  return await Promise.all(
    owed.map(async ({ command, timeoutMs }) => {
      const failure = await runOwedScript({ command, timeoutMs }, note);
      return failure === undefined
        ? `the post-script ${command.path}, still owed, was run`
        : `the post-script ${command.path}, still owed, failed: ${failure.message} (${failure.code})`;
    }),
  );
}

async function runOwedScript(
  { command, timeoutMs }: OwedScript,
  note: (message: string) => void,
): Promise<Pick<Finding, 'code' | 'message'> | undefined> {
  const step = openStep('post', command, timeoutMs);
  if (!step.ok) {
    return step;
  }
  using opened = step;
  const allMs = timeoutMs * (command.retries + 1);
  const hostDeadlineNs = process.hrtime.bigint() + BigInt(Math.round(allMs * 1e6));
  return await runStep(opened, { hostDeadlineNs, abort: undefined, note });
}
