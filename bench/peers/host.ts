import { join } from 'node:path';
import type { HostRig } from '../host-rig.ts';
import { stallOf } from '../probe/figures.ts';
import { failureOf, runMeasured } from '../process/measured-process.ts';
import { type Contender, contender } from '../sample.ts';
import { mean } from '../statistics.ts';
import type { FreezeTimes } from './bare-freeze.ts';
import type { FreezeCostRequest } from './freeze-cost.ts';

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

const PROGRAM = join(import.meta.dirname, 'host-process.ts');
const BARE = join(import.meta.dirname, 'freeze-cost-process.ts');

/** flashfreeze with the host as the taker, in a process of its own. */
export function byHost(): Contender {
  return contender('by the host', async (rig) => {
    const request: HostRunRequest = {
      luns: rig.mountPoints.map((_, lun) => lun),
      mountPoints: rig.mountPoints,
    };
    const run = await runMeasured(
      rig.launcher,
      [process.execPath, PROGRAM],
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

/** Freezes and thaws everything at once, expedited and settled, and nothing else. */
export function bareFreeze(): Contender {
  return {
    name: 'bare freeze and thaw',
    takeSample: async (rig) => {
      const request: FreezeCostRequest = {
        mountPoints: rig.mountPoints,
        manner: { order: 'at-once', expedite: true },
      };
      rig.probe.begin();
      const run = await runMeasured(
        rig.launcher,
        [process.execPath, BARE],
        JSON.stringify(request),
      );
      const period = await rig.probe.end();
      if (run.exitCode !== 0) {
        return { ok: false, reason: failureOf(run) };
      }
      const times = JSON.parse(run.stdout) as FreezeTimes;
      const stalls = period.probes.map((probe) => stallOf(probe, times));
      const stallsMs = stalls.map(({ stallMs }) => stallMs);
      return {
        ok: true,
        stallsMs,
        maxStallMs: Math.max(...stallsMs),
        meanStallMs: mean(stallsMs),
        elsewhereMs: Math.max(...stalls.map(({ elsewhereMs }) => elsewhereMs)),
        usage: run.usage,
        own: { windowMaxMs: times.endMs - times.startMs },
      };
    },
  };
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
