import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type ClockState, parseTracking, stateOfKernel } from './clock-state.ts';
import { loadAddon } from './native.ts';

/** Without a chronyd that answers, chronyc waits for seconds. */
const LIMIT_MS = 1_000;

/**
 * The state of the wall clock: by chrony if it runs, because it knows the offset, or else by the kernel, which every
 * program that disciplines the clock tells its estimate. Undefined if neither says anything. Starts a program, so it is
 * not to be called while anything is frozen.
 */
export async function readClock(): Promise<ClockState | undefined> {
  return (await readTracking()) ?? readKernelClock();
}

async function readTracking(): Promise<ClockState | undefined> {
  try {
    const args = ['-n', '-c', 'tracking'];
    const { stdout } = await promisify(execFile)('chronyc', args, { timeout: LIMIT_MS });
    return parseTracking(stdout);
  } catch {
    // It is not installed, or no chronyd runs.
    return undefined;
  }
}

function readKernelClock(): ClockState | undefined {
  try {
    const answer = loadAddon().kernelClock();
    return answer === null ? undefined : stateOfKernel(answer);
  } catch {
    // Without the addon nothing is frozen either: the check of the program's parts says why.
    return undefined;
  }
}
