import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { freezePhase } from '../../src/freezer/kernel-stack.ts';

const LOOK_AGAIN_MS = 50;
/** Consecutive observations; a freeze that is not stuck ends long before. */
const LOOKS = 10;

/**
 * Resolves to true when a freeze of the process is stuck and no thaw helps, because it waits for processes that are
 * opening files; to false when the process has ended before.
 */
export async function getsStuck(pid: number): Promise<boolean> {
  for (let looks = 0; looks < LOOKS; ) {
    const phases = phasesOf(pid);
    if (phases === undefined) {
      return false;
    }
    looks = phases.includes('writers') ? looks + 1 : 0;
    await delay(LOOK_AGAIN_MS);
  }
  return true;
}

/** Of each of its threads; undefined if it has ended. */
function phasesOf(pid: number): (string | undefined)[] | undefined {
  const threads = attempt(() => readdirSync(`/proc/${pid}/task`));
  const stacks = threads?.map((it) =>
    attempt(() => readFileSync(`/proc/${pid}/task/${it}/stack`, 'utf8')),
  );
  return stacks?.map((stack) => freezePhase(stack ?? ''));
}

/** Threads, and the process, may end between one look and the next. */
function attempt<Result>(look: () => Result): Result | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
