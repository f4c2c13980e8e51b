import { join } from 'node:path';
import { failureOf, runMeasured } from '../process/measured-process.ts';
import type { Rig } from '../rig.ts';
import type { FreezeManner, FreezeTimes } from './bare-freeze.ts';

export interface FreezeCostRequest {
  readonly mountPoints: readonly string[];
  readonly manner: FreezeManner;
}

export const FREEZE_MANNERS = [
  { order: 'at-once', expedite: true },
  { order: 'at-once', expedite: false },
  { order: 'in-turn', expedite: true },
  { order: 'in-turn', expedite: false },
] as const satisfies readonly FreezeManner[];

const PROGRAM = join(import.meta.dirname, 'freeze-cost-process.ts');

/** For people. */
export function nameOf({ order, expedite }: FreezeManner): string {
  const how = order === 'at-once' ? 'a thread each' : 'one after the other';
  return expedite ? `${how}, expedited` : how;
}

/**
 * What freezing alone costs in one manner: from the first FIFREEZE to the return of the last, in ms,
 * settled before. Throws Error if it fails.
 */
export async function freezeCostMs(
  { launcher, mountPoints }: Rig,
  manner: FreezeManner,
): Promise<number> {
  const request: FreezeCostRequest = { mountPoints, manner };
  const run = await runMeasured(launcher, [process.execPath, PROGRAM], JSON.stringify(request));
  if (run.exitCode !== 0) {
    throw new Error(failureOf(run));
  }
  const { startMs, barrierMs } = JSON.parse(run.stdout) as FreezeTimes;
  return barrierMs - startMs;
}
