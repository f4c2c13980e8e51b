import { type ClockState, parseTracking, stateOfKernel } from './clock-state.ts';
import { loadAddon } from './native.ts';
import { outputOf } from './run-program.ts';

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

/** Undefined if chrony is not installed, or no chronyd runs. */
async function readTracking(): Promise<ClockState | undefined> {
  const tracking = await outputOf('chronyc', ['-n', '-c', 'tracking'], LIMIT_MS);
  return tracking === undefined ? undefined : parseTracking(tracking);
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
