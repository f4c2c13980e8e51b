import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { startProgram } from '../system/start-program.ts';

export interface StatfsLimits {
  /** For one file system. */
  readonly eachMs: number;
  /** For all together. */
  readonly allMs: number;
}

const DEFAULT_LIMITS: StatfsLimits = { eachMs: 2_000, allMs: 20_000 };

/** A line for each path as soon as it is known: size of a block in bytes, blocks, free blocks. */
const SCRIPT = 'for path do stat -f -c "%S %b %f" -- "$path" || echo; done';
const ANSWER = /^(\d+) (\d+) (\d+)$/;

/**
 * Used bytes (as df(1) counts them) of the file system at each path; undefined if there is no
 * answer within the limit. Never rejects.
 *
 * Asked by processes of their own: a thread that hangs in statfs(2) would keep this process from
 * ever ending, whereas a process that hangs there is left behind.
 */
export async function readUsedBytes(
  paths: readonly string[],
  limits: StatfsLimits = DEFAULT_LIMITS,
): Promise<(number | undefined)[]> {
  const deadline = performance.now() + limits.allMs;
  const answers: (number | undefined)[] = [];
  while (answers.length < paths.length) {
    const remainingMs = deadline - performance.now();
    const asked = paths.slice(answers.length);
    if (remainingMs <= 0) {
      return [...answers, ...asked.map(() => undefined)];
    }
    // The path at which they end is the one that does not answer.
    answers.push(...(await askUntilStuck(asked, limits.eachMs, remainingMs)), undefined);
  }
  return answers.slice(0, paths.length);
}

/** Answers up to the first path that takes too long; none if the shell cannot be started. */
async function askUntilStuck(
  paths: readonly string[],
  eachMs: number,
  allMs: number,
): Promise<(number | undefined)[]> {
  const child = await startProgram('/bin/sh', ['-c', SCRIPT, 'sh', ...paths], {
    stdio: ['ignore', 'pipe', 'ignore'],
    // A process group of its own, which ends as a whole.
    detached: true,
  }).catch(() => undefined);
  if (!child?.stdout) {
    return [];
  }
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  const answers: (number | undefined)[] = [];
  const patience = setTimeout(end, eachMs);
  const limit = setTimeout(end, allMs);
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    answers.push(usedBytesOf(line));
    patience.refresh();
  });
  lines.on('close', () => end());
  await over;
  clearTimeout(patience);
  clearTimeout(limit);
  abandon(child);
  return answers;
}

function usedBytesOf(line: string): number | undefined {
  const [, blockBytes, blocks, free] = ANSWER.exec(line) ?? [];
  return blockBytes === undefined
    ? undefined
    : Number(blockBytes) * (Number(blocks) - Number(free));
}

/** Nothing waits for it any more: if it hangs in the kernel, it ends when the kernel lets it. */
function abandon(child: ChildProcess): void {
  child.stdout?.destroy();
  child.unref();
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has just ended by itself.
    }
  }
}
