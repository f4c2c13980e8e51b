import { join } from 'node:path';
import { type ProbePeriod, stallOf } from '../probe/figures.ts';
import { failureOf, runMeasured, type Usage } from '../process/measured-process.ts';
import type { Rig } from '../rig.ts';
import type { Contender, GoodSample } from '../sample.ts';
import { mean } from '../statistics.ts';
import type { FreezeTimes } from './bare-freeze.ts';

export interface FloorRequest {
  readonly mountPoints: readonly string[];
  readonly urls: readonly string[];
  readonly lanes: number | undefined;
}

export interface FloorReport {
  readonly freeze: FreezeTimes;
  /** From the call that fires all to the last answer. */
  readonly requestsMs: number;
  readonly snapshots: readonly (string | null)[];
}

const PROGRAM = join(import.meta.dirname, 'floor-process.ts');
const MANAGED_PROGRAM = join(import.meta.dirname, 'managed-floor-process.ts');

/**
 * What a snapshot of all disks cannot be shorter than, if freezing and requests do not overlap: bare
 * parallel expedited freeze and thaw as the writers feel it, plus the requests with nothing frozen, from
 * the call that fires all to the last answer. The sum stands where others have their stall.
 */
export function floor(lanes?: number): Contender {
  return floorBy(PROGRAM, (rig) => floorRequest(rig, lanes));
}

/** The same for the managed disks of a VM: the last answer is the one that says that the last operation has succeeded. */
export function managedFloor(): Contender {
  return floorBy(MANAGED_PROGRAM, ({ mountPoints }) => ({ mountPoints }));
}

function floorBy(program: string, requestOf: (rig: Rig) => unknown): Contender {
  return {
    name: 'floor',
    takeSample: async (rig) => {
      rig.probe.begin();
      const run = await runMeasured(
        rig.launcher,
        [process.execPath, program],
        JSON.stringify(requestOf(rig)),
      );
      const period = await rig.probe.end();
      if (run.exitCode !== 0) {
        return { ok: false, reason: failureOf(run) };
      }
      const report = JSON.parse(run.stdout) as FloorReport;
      await rig.discard?.(report.snapshots);
      return floorSample(report, period, run.usage);
    },
  };
}

function floorRequest({ mountPoints, urls }: Rig, lanes: number | undefined): FloorRequest {
  return { mountPoints, urls, lanes };
}

function floorSample(
  { freeze, requestsMs }: FloorReport,
  period: ProbePeriod,
  usage: Usage,
): GoodSample {
  const stalls = period.probes.map((probe) => stallOf(probe, freeze));
  const freezesMs = stalls.map(({ stallMs }) => stallMs);
  const freezeMs = Math.max(...freezesMs);
  return {
    ok: true,
    stallsMs: freezesMs.map((ms) => ms + requestsMs),
    maxStallMs: freezeMs + requestsMs,
    meanStallMs: mean(freezesMs) + requestsMs,
    elsewhereMs: Math.max(...stalls.map(({ elsewhereMs }) => elsewhereMs)),
    usage,
    own: {
      windowMaxMs: freeze.endMs - freeze.startMs + requestsMs,
      floor: { freezeMs, requestsMs },
    },
  };
}
