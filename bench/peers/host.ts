import { join } from 'node:path';
import type { HostRig } from '../host-rig.ts';
import { stallOf } from '../probe/figures.ts';
import { failureOf, runMeasured } from '../process/measured-process.ts';
import { productNode } from '../process/product-node.ts';
import type { Rig } from '../rig.ts';
import { type Contender, contender } from '../sample.ts';
import { mean } from '../statistics.ts';
import type { FreezeTimes } from './bare-freeze.ts';

/** What host-process.ts reads. */
export interface HostRunRequest {
  readonly luns: readonly number[];
  readonly mountPoints: readonly string[];
}

/** What it prints. */
export interface HostRun {
  readonly consistency: string;
  readonly problems: readonly string[];
  readonly windowMs: { readonly max: number; readonly mean: number };
  /** From the request's start to the whole answer, ms. */
  readonly callMs: number;
}

/** What host-floor-process.ts prints. */
export interface HostFloorReport {
  readonly freeze: FreezeTimes;
  /** The same call with nothing frozen, from the call that fires it to the whole answer. */
  readonly callMs: number;
}

const PROGRAM = join(import.meta.dirname, 'host-process.ts');
const FLOOR = join(import.meta.dirname, 'host-floor-process.ts');

/** flashfreeze with the host as the provider, in a process of its own. */
export function byHost(): Contender {
  return contender('by the host', async (rig) => {
    const request = hostRunRequest(rig);
    const run = await runMeasured(
      rig.launcher,
      [...productNode(), PROGRAM],
      JSON.stringify(request),
    );
    if (run.exitCode !== 0) {
      return { ok: false, reason: failureOf(run) };
    }
    const { consistency, problems, windowMs, callMs } = JSON.parse(run.stdout) as HostRun;
    if (consistency !== 'fileSystemConsistent') {
      return { ok: false, reason: `${consistency}: ${problems.join(' ')}` };
    }
    const own = {
      windowMaxMs: windowMs.max,
      windowMeanMs: windowMs.mean,
      phasesMs: { call: callMs },
    };
    return { ok: true, usage: run.usage, own };
  });
}

/**
 * What it cannot be shorter than: freezes and thaws everything at once, expedited and settled, and
 * nothing else, which is the stall; and then makes the same call with nothing frozen.
 */
export function hostFloor(): Contender {
  return {
    name: 'bare freeze and thaw',
    takeSample: async (rig) => {
      const request = hostRunRequest(rig);
      rig.probe.begin();
      const run = await runMeasured(
        rig.launcher,
        [process.execPath, FLOOR],
        JSON.stringify(request),
      );
      const period = await rig.probe.end();
      if (run.exitCode !== 0) {
        return { ok: false, reason: failureOf(run) };
      }
      const { freeze, callMs } = JSON.parse(run.stdout) as HostFloorReport;
      const stalls = period.probes.map((probe) => stallOf(probe, freeze));
      const stallsMs = stalls.map(({ stallMs }) => stallMs);
      return {
        ok: true,
        stallsMs,
        maxStallMs: Math.max(...stallsMs),
        meanStallMs: mean(stallsMs),
        elsewhereMs: Math.max(...stalls.map(({ elsewhereMs }) => elsewhereMs)),
        usage: run.usage,
        own: { windowMaxMs: freeze.endMs - freeze.startMs, phasesMs: { call: callMs } },
      };
    },
  };
}

function hostRunRequest({ mountPoints }: Rig): HostRunRequest {
  return { luns: mountPoints.map((_, lun) => lun), mountPoints };
}

/** Adds to each sample how long the host itself took, as its log has it. */
export function withHostLatency(inner: Contender, rig: HostRig): Contender {
  return {
    name: inner.name,
    takeSample: async () => {
      const sinceMs = Number(process.hrtime.bigint()) / 1e6;
      const sample = await inner.takeSample(rig);
      const span = await rig.callSpan(sinceMs);
      if (!sample.ok || span === undefined) {
        return sample;
      }
      const phasesMs = { ...sample.own.phasesMs, host: span.endMs - span.startMs };
      return { ...sample, own: { ...sample.own, phasesMs } };
    },
  };
}
