import type { ContenderSamples } from '../comparison.ts';
import { maxStall, summarizeSamples } from '../comparison.ts';
import type { GoodSample } from '../sample.ts';
import type { SizedComparison } from '../sizes.ts';
import { axis, type Chart, PLOT, SERIES_COLORS } from './chart.ts';

/** The charts of a comparison of contenders over numbers of disks. */
export function windowCharts(figures: readonly SizedComparison[]): Chart[] {
  const largest = figures.at(-1);
  return [
    stallByDisks(figures),
    ...(largest === undefined ? [] : [stallsOfRuns(sizeToShow(figures) ?? largest)]),
    usageByDisks(figures, 'Peak memory', 'MB', ({ usage }) => usage.peakRssMb),
    usageByDisks(figures, 'Processor time of a whole run', 'ms', ({ usage }) => usage.cpuMs),
  ];
}

const SHOWN_SIZE = 64;

function sizeToShow(figures: readonly SizedComparison[]): SizedComparison | undefined {
  return figures.find(({ disks }) => disks === SHOWN_SIZE);
}

function namesOf(figures: readonly SizedComparison[]): string[] {
  return [...new Set(figures.flatMap(({ contenders }) => contenders.map(({ name }) => name)))];
}

function samplesOf({ contenders }: SizedComparison, name: string): ContenderSamples['samples'] {
  return contenders.find((each) => each.name === name)?.samples ?? [];
}

function stallsOf(figures: SizedComparison, name: string): number[] {
  return samplesOf(figures, name).flatMap((sample) => (sample.ok ? [maxStall(sample)] : []));
}

function stallByDisks(figures: readonly SizedComparison[]): Chart {
  return {
    title: 'Longest stall by number of disks',
    caption:
      'Longest time that any writer stood still, by number of disks; both scales are logarithmic. Lines join the medians, dots are single runs. The floor is bare freezing and thawing plus the same requests with nothing frozen.',
    height: 460,
    option: {
      grid: PLOT,
      xAxis: axis({ name: 'disks', type: 'log', logBase: 2 }, 'x'),
      yAxis: axis({ name: 'longest stall, ms', type: 'log', min: 10 }, 'y'),
      series: namesOf(figures).flatMap((name, index) => [
        {
          type: 'line',
          name,
          symbol: 'circle',
          symbolSize: 7,
          lineStyle: { width: 2.5, ...(name === 'floor' ? { type: 'dashed' } : {}) },
          data: figures.map((it) => [
            it.disks,
            summarizeSamples(samplesOf(it, name), maxStall).median,
          ]),
        },
        {
          type: 'scatter',
          symbolSize: 4,
          itemStyle: { opacity: 0.45, color: SERIES_COLORS[index % SERIES_COLORS.length] },
          data: figures.flatMap((it) => stallsOf(it, name).map((ms) => [it.disks, ms])),
        },
      ]),
    },
  };
}

function stallsOfRuns(figures: SizedComparison): Chart {
  const names = figures.contenders.map(({ name }) => name).toReversed();
  return {
    title: `Every run with ${figures.disks} disks`,
    caption: `The longest stall of each single run with ${figures.disks} disks, on a logarithmic scale: how far apart the runs of one tool lie, and the tools.`,
    height: 90 + 42 * names.length,
    option: {
      grid: { ...PLOT, left: 150, top: 12 },
      xAxis: axis({ name: 'longest stall, ms', type: 'log', min: 10 }, 'x'),
      yAxis: axis({ name: '', type: 'category', data: names }, 'y'),
      series: figures.contenders.map(({ name }) => ({
        type: 'scatter',
        symbolSize: 9,
        itemStyle: { opacity: 0.6 },
        data: stallsOf(figures, name).map((ms) => [ms, name]),
      })),
    },
  };
}

function usageByDisks(
  figures: readonly SizedComparison[],
  title: string,
  unit: string,
  figureOf: (sample: GoodSample) => number,
): Chart {
  return {
    title,
    caption: `${title} of the process and everything it starts, by number of disks, medians.`,
    height: 300,
    option: {
      grid: PLOT,
      xAxis: axis(
        { name: 'disks', type: 'category', data: figures.map(({ disks }) => String(disks)) },
        'x',
      ),
      yAxis: axis({ name: unit, type: 'value' }, 'y'),
      series: namesOf(figures).map((name) => ({
        type: 'bar',
        name,
        data: figures.map((it) => summarizeSamples(samplesOf(it, name), figureOf).median),
      })),
    },
  };
}
