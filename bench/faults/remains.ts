import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { thawCompletely } from '../../src/lab/loop-devices.ts';
import { type ProcessEntry, processes } from '../../test/faults/processes.ts';

const GRACE_PERIODS_PATH = '/sys/kernel/rcu_expedited';
/** For what is on its way out. */
const LIMIT_MS = 2_000;
const POLL_MS = 10;

export function gracePeriods(): string {
  return readFileSync(GRACE_PERIODS_PATH, 'utf8').trim();
}

/** The value outside of any freeze: what it is now, or 0 if it becomes that in a while. */
export async function usualGracePeriods(): Promise<string> {
  const end = performance.now() + LIMIT_MS;
  while (gracePeriods() !== '0' && performance.now() < end) {
    await delay(POLL_MS);
  }
  return gracePeriods();
}

/** Waits a while for the value that ought to be there; puts it there; returns the one that was. */
export async function untilGracePeriodsAre(wanted: string): Promise<string> {
  const end = performance.now() + LIMIT_MS;
  let value = gracePeriods();
  while (value !== wanted && performance.now() < end) {
    await delay(POLL_MS);
    value = gracePeriods();
  }
  if (value !== wanted) {
    writeFileSync(GRACE_PERIODS_PATH, wanted);
  }
  return value;
}

/** Processes that are still there after a while and should not be; they are killed. */
export async function strayProcesses(residents: ReadonlySet<number>): Promise<ProcessEntry[]> {
  const strays = (): ProcessEntry[] =>
    processes().filter(({ pid, state }) => !residents.has(pid) && state !== 'Z');
  const end = performance.now() + LIMIT_MS;
  let left = strays();
  while (left.length > 0 && performance.now() < end) {
    await delay(POLL_MS);
    left = strays();
  }
  for (const { pid } of left) {
    process.kill(pid, 'SIGKILL');
  }
  return left;
}

/** Thaws, as a last resort; all at once, because one in an image waits for the one that holds it. */
export async function rescue(mountPoints: readonly string[]): Promise<void> {
  await Promise.all(mountPoints.map(thawCompletely));
}
