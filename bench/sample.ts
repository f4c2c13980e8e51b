import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Role, RoleTime } from '../src/system/thread-times.ts';
import { longestMs, type ProbePeriod, type Span, type Stall, stallOf } from './probe/figures.ts';
import type { Usage } from './process/measured-process.ts';
import { machineBusyMs, processBusyMs } from './quiet.ts';
import type { Rig } from './rig.ts';
import { mean } from './statistics.ts';

/** Somebody who takes a snapshot of every disk of a rig, as the writers feel it. */
export interface Contender {
  /** As the tables show it. */
  readonly name: string;
  takeSample(rig: Rig): Promise<Sample>;
}

/** What a contender says of itself. */
export type Taking =
  | {
      readonly ok: true;
      readonly usage: Usage;
      readonly own: OwnFigures;
      /** In the order of the blobs, if it tells. */
      readonly snapshots?: readonly (string | null)[];
    }
  | { readonly ok: false; readonly reason: string };

export interface OwnFigures {
  /** Longest and mean window by its own stamps; undefined if it takes none. */
  readonly windowMaxMs?: number;
  readonly windowMeanMs?: number;
  readonly phasesMs?: Readonly<Record<string, number>>;
  /** What each kind of its threads had of the window; undefined if it does not count it. */
  readonly threads?: readonly RoleTime[];
  /** What the floor is the sum of. */
  readonly floor?: { readonly freezeMs: number; readonly requestsMs: number };
}

/** Time on a processor in the window of the threads with that role, ms; NaN if the contender does not count it. */
export function ranMs({ threads }: Pick<OwnFigures, 'threads'>, role: Role): number {
  return threads?.find((it) => it.role === role)?.runMs ?? Number.NaN;
}

/** One run as the writers felt it. */
export type Sample = GoodSample | FailedSample;

export interface FailedSample {
  readonly ok: false;
  readonly reason: string;
}

export interface GoodSample {
  readonly ok: true;
  /** What the writer of each disk felt, in the order of the disks. */
  readonly stallsMs: readonly number[];
  readonly maxStallMs: number;
  readonly meanStallMs: number;
  /** Longest pause of any writer while its disk was not being snapshotted: starting, settling, noise. */
  readonly elsewhereMs: number;
  readonly usage: Usage;
  readonly own: OwnFigures;
}

/**
 * Takes a sample, and says what share of the processors others had meanwhile: everything but the
 * contender, the server, the probe and this process; so the kernel's own threads too.
 */
export async function takeWatched(rig: Rig, { takeSample }: Contender): Promise<WatchedSample> {
  const benchMs = (): number =>
    process.cpuUsage().user / 1_000 +
    process.cpuUsage().system / 1_000 +
    Object.values(rig.processes).reduce((sum, pid) => sum + processBusyMs(pid), 0);
  const expeditedBefore = areGracePeriodsExpedited();
  const startMs = performance.now();
  const before = machineBusyMs() - benchMs();
  const sample = await takeSample(rig);
  const othersMs = machineBusyMs() - benchMs() - before - (sample.ok ? sample.usage.cpuMs : 0);
  const availableMs = (performance.now() - startMs) * availableParallelism();
  return { ...sample, othersShare: Math.max(0, othersMs / availableMs), expeditedBefore };
}

export type WatchedSample = Sample & {
  readonly othersShare: number;
  /** Grace periods of the whole machine were expedited before the contender could have done it. */
  readonly expeditedBefore: boolean;
};

const GRACE_PERIODS = '/sys/kernel/rcu_expedited';

function areGracePeriodsExpedited(): boolean {
  return existsSync(GRACE_PERIODS) && readFileSync(GRACE_PERIODS, 'latin1').trim() !== '0';
}

/** A contender by what it does; the probe and the server's log say what it is worth. */
export function contender(name: string, takeSnapshots: (rig: Rig) => Promise<Taking>): Contender {
  return { name, takeSample: (rig) => takeSample(rig, takeSnapshots) };
}

/**
 * Lets a contender take its snapshots while the probe measures. A sample fails if the contender
 * fails, if a disk was not snapshotted, or if a writer went on writing while its disk was: such
 * a snapshot would be worth nothing, however short its stall.
 */
async function takeSample(rig: Rig, takeSnapshots: (rig: Rig) => Promise<Taking>): Promise<Sample> {
  rig.probe.begin();
  const taking = await takeSnapshots(rig);
  const period = await rig.probe.end();
  if (!taking.ok) {
    return taking;
  }
  await rig.discard?.(taking.snapshots ?? []);
  const felt = feltBy(period, await rig.snapshotSpans(period.startMs));
  return felt.ok ? { ...felt, usage: taking.usage, own: taking.own } : felt;
}

type Felt = FailedSample | Omit<GoodSample, 'usage' | 'own'>;

/**
 * What the writers felt.
 *
 * @param spans when each disk was being snapshotted. Undefined where nobody knows: then every pause
 * counts, also one that has another reason, and none is left for elsewhere.
 */
export function feltBy(
  { probes }: ProbePeriod,
  spans: readonly (Span | undefined)[] | undefined,
): Felt {
  const stalls = probes.map((probe, index): Stall | undefined => {
    if (spans === undefined) {
      return { stallMs: longestMs(probe.pauses), stood: true, elsewhereMs: 0 };
    }
    const span = spans[index];
    return span === undefined ? undefined : stallOf(probe, span);
  });
  const known = stalls.filter((stall) => stall !== undefined);
  const wrong = stalls.findIndex((stall) => stall === undefined || !stall.stood);
  if (wrong >= 0) {
    const what =
      stalls[wrong] === undefined ? 'was not asked for' : 'was taken while it was written to';
    return { ok: false, reason: `the snapshot of disk ${wrong} ${what}` };
  }
  const stallsMs = known.map(({ stallMs }) => stallMs);
  return {
    ok: true,
    stallsMs,
    maxStallMs: Math.max(...stallsMs),
    meanStallMs: mean(stallsMs),
    elsewhereMs: Math.max(...known.map(({ elsewhereMs }) => elsewhereMs)),
  };
}

/** What the probe sees while nothing is done: longest pause of any writer, and the probe's CPU share. */
export interface Noise {
  readonly longestMs: number;
  /** Of one core. */
  readonly probeCpuShare: number;
}

export async function measureNoise({ probe }: Rig, durationMs: number): Promise<Noise> {
  probe.begin();
  await new Promise((resolve) => setTimeout(resolve, durationMs));
  const { probes, cpuMs, startMs, endMs } = await probe.end();
  return {
    longestMs: Math.max(...probes.map(({ pauses }) => longestMs(pauses))),
    probeCpuShare: cpuMs / (endMs - startMs),
  };
}
