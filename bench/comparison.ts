import { setTimeout as delay } from 'node:timers/promises';
import { untilQuiet } from './quiet.ts';
import type { Rig } from './rig.ts';
import {
  type Contender,
  type GoodSample,
  type Sample,
  takeWatched,
  type WatchedSample,
} from './sample.ts';
import type { Progress } from './scenario.ts';
import { median, orderOfRound, pairRatios, type Summary, summarizeFigures } from './statistics.ts';
import { type Column, figure, renderTable } from './table.ts';

/** The samples of one contender, one a round. */
export interface ContenderSamples {
  readonly name: string;
  readonly samples: readonly WatchedSample[];
}

export interface ComparisonOptions {
  readonly rounds: number;
  /** Before each sample: wait for others to use no more than this share of the processors. */
  readonly quiet?: number | undefined;
}

/**
 * Before each sample nothing is frozen for so long. A file system that was thawed a moment ago freezes
 * without waiting for grace periods once more: nobody's snapshot comes
 * right behind another one.
 */
export const REST_MS = 1_200;

/** Measures contenders in turn on the same disks, after one unmeasured run of each: A B, B A, A B, … */
export async function compare(
  rig: Rig,
  contenders: readonly Contender[],
  { rounds, quiet = 1 }: ComparisonOptions,
  progress: Progress,
): Promise<ContenderSamples[]> {
  const samples = contenders.map((): WatchedSample[] => []);
  for (const contender of contenders) {
    await contender.takeSample(rig);
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const index of orderOfRound(round, contenders.keys().toArray())) {
      const contender = contenders[index];
      if (contender !== undefined) {
        await delay(REST_MS);
        await untilQuiet(quiet);
        samples[index]?.push(await takeWatched(rig, contender));
      }
    }
    progress(`round ${round + 1} of ${rounds}`);
  }
  return contenders.map(({ name }, index) => ({ name, samples: samples[index] ?? [] }));
}

/** Figures of the good samples. */
export function summarizeSamples(
  samples: readonly Sample[],
  figureOf: (sample: GoodSample) => number,
): Summary {
  return summarizeFigures(samples.filter((sample) => sample.ok).map(figureOf));
}

/** The ratio of a figure within each round. */
export function ratioOf(
  a: readonly Sample[],
  b: readonly Sample[],
  figureOf: (sample: GoodSample) => number,
): Summary {
  const figures = (samples: readonly Sample[]) =>
    samples.map((sample) => (sample.ok ? figureOf(sample) : undefined));
  return summarizeFigures(pairRatios(figures(a), figures(b)));
}

/** Why samples failed, each once. */
export function reasonsOf(samples: readonly Sample[]): string[] {
  return [...new Set(samples.flatMap((sample) => (sample.ok ? [] : [sample.reason])))];
}

/** The same of each contender, as lines of a report. */
export function failureLines(contenders: readonly ContenderSamples[]): string[] {
  return contenders.flatMap(({ name, samples }) =>
    reasonsOf(samples).map((reason) => `! ${name}: ${reason}`),
  );
}

export const maxStall = (sample: GoodSample): number => sample.maxStallMs;
export const meanStall = (sample: GoodSample): number => sample.meanStallMs;

const COLUMNS: readonly Column<ContenderSamples>[] = [
  { head: '', value: ({ name }) => name },
  { head: 'max stall\nmedian', value: ({ samples }) => summarizeSamples(samples, maxStall).median },
  { head: '\np90', value: ({ samples }) => summarizeSamples(samples, maxStall).p90 },
  { head: '\nmax', value: ({ samples }) => summarizeSamples(samples, maxStall).max },
  { head: 'mean\nstall', value: ({ samples }) => summarizeSamples(samples, meanStall).median },
  {
    head: 'stall\nelsewhere',
    value: ({ samples }) => summarizeSamples(samples, ({ elsewhereMs }) => elsewhereMs).median,
  },
  {
    head: 'CPU ms',
    value: ({ samples }) => summarizeSamples(samples, ({ usage }) => usage.cpuMs).median,
    decimals: 0,
  },
  {
    head: 'peak MB',
    value: ({ samples }) => summarizeSamples(samples, ({ usage }) => usage.peakRssMb).max,
    decimals: 0,
  },
  {
    head: 'others’\nCPU %',
    value: ({ samples }) => median(samples.map(({ othersShare }) => othersShare)) * 100,
    decimals: 0,
  },
  {
    head: 'failed',
    value: ({ samples }) => `${samples.filter(({ ok }) => !ok).length} of ${samples.length}`,
  },
];

/** A table of all, and the ratios of the first to each of the others, pair by pair. */
export function renderComparison(title: string, contenders: readonly ContenderSamples[]): string {
  const [first, ...others] = contenders;
  return [
    renderTable(title, COLUMNS, contenders),
    ...others.map((other) => renderRatios(first ?? other, other)),
    ...failureLines(contenders),
    ...expeditedWarnings(contenders),
  ].join('\n');
}

/** Nobody else's freeze is fast for that reason on a machine of its own. */
export function expeditedWarnings(contenders: readonly ContenderSamples[]): string[] {
  const all = contenders.flatMap(({ samples }) => samples);
  const expedited = all.filter(({ expeditedBefore }) => expeditedBefore).length;
  return expedited === 0
    ? []
    : [
        `! ${expedited} of ${all.length} samples began with grace periods expedited by somebody else (/sys/kernel/rcu_expedited): tools that do not expedite them look faster than they are`,
      ];
}

function renderRatios(a: ContenderSamples, b: ContenderSamples): string {
  const shown = ({ median: middle, p25, p75 }: Summary): string =>
    `${figure(middle, 2)} (p25–p75 ${figure(p25, 2)}–${figure(p75, 2)})`;
  const max = shown(ratioOf(a.samples, b.samples, maxStall));
  const mean = shown(ratioOf(a.samples, b.samples, meanStall));
  return `${a.name} ÷ ${b.name}, pair by pair: max stall ${max}, mean stall ${mean}`;
}
