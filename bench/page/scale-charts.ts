import { nameOf } from '../peers/freeze-cost.ts';
import type { ScaledFigures } from '../scenarios/scale.ts';
import { processorMs, ROLES, STAGES, stagesOf } from '../scenarios/scale-report.ts';
import { median } from '../statistics.ts';
import { axis, type Chart, PLOT } from './chart.ts';

/** What the window is made of, and what freezing costs in which manner, by number of disks. */
export function scaleCharts(figures: readonly ScaledFigures[]): Chart[] {
  return [freezeCost(figures), stages(figures), processors(figures)];
}

function freezeCost(figures: readonly ScaledFigures[]): Chart {
  const manners = figures[0]?.freezes.map(({ manner }) => manner) ?? [];
  return {
    title: 'Freezing alone',
    caption:
      'From the first FIFREEZE to the return of the last, settled before, medians; both scales are logarithmic. One after the other is what other tools do. Expedited = /sys/kernel/rcu_expedited is 1 while it lasts.',
    height: 420,
    option: {
      grid: PLOT,
      xAxis: axis({ name: 'file systems', type: 'log', logBase: 2 }, 'x'),
      yAxis: axis({ name: 'ms', type: 'log' }, 'y'),
      series: manners.map((manner, index) => ({
        type: 'line',
        name: nameOf(manner),
        symbolSize: 7,
        lineStyle: { width: 2.5 },
        data: figures.map(({ disks, freezes }) => [
          disks,
          median(freezes[index]?.costs.runs ?? []),
        ]),
      })),
    },
  };
}

function stages(figures: readonly ScaledFigures[]): Chart {
  return {
    title: 'What the window is made of',
    caption:
      'The window from its beginning to the last writer’s next write, by number of disks, medians of each stage: all frozen, the last request at the server, the last answer sent, the last answer heard, the last writer writing again.',
    option: stacked(
      figures,
      'ms',
      STAGES.map(({ name }, stage) => ({
        name,
        data: figures.map((it) => stagesOf(it)[stage] ?? 0),
      })),
    ),
  };
}

function processors(figures: readonly ScaledFigures[]): Chart {
  return {
    title: 'Processor time in the window, for each disk',
    caption:
      'Who had the processors during the window, in µs for each disk, by number of disks. The lab’s server and the writers have to share them with flashfreeze; on a real machine the server is elsewhere.',
    option: stacked(
      figures,
      'µs a disk',
      ROLES.map((role) => ({
        name: role,
        data: figures.map((it) => (processorMs(it, role) * 1_000) / it.disks),
      })),
    ),
  };
}

function stacked(
  figures: readonly ScaledFigures[],
  unit: string,
  series: readonly { readonly name: string; readonly data: readonly number[] }[],
): Chart['option'] {
  return {
    grid: PLOT,
    xAxis: axis(
      { name: 'disks', type: 'category', data: figures.map(({ disks }) => String(disks)) },
      'x',
    ),
    yAxis: axis({ name: unit, type: 'value' }, 'y'),
    series: series.map((it) => ({ ...it, type: 'bar', stack: 'all', barMaxWidth: 56 })),
  };
}
