import type { AnatomyRun } from '../anatomy.ts';
import type { Throughput } from '../scenarios/app-report.ts';
import type { ScaledFigures } from '../scenarios/scale.ts';
import type { SizedComparison } from '../sizes.ts';
import type { SoakFigures } from '../soak/model.ts';
import { axis, type Chart, INK, PLOT } from './chart.ts';
import { scaleCharts } from './scale-charts.ts';
import { soakCharts } from './soak-charts.ts';
import { timelineChart } from './timeline-chart.ts';
import { windowCharts } from './window-charts.ts';

/** The charts of a scenario's figures; none where its table says it all. */
export function chartsOf(scenario: string, figures: unknown): readonly Chart[] {
  switch (scenario) {
    case 'window':
      return windowCharts(figures as readonly SizedComparison[]);
    case 'anatomy':
      return (figures as readonly { readonly runs: readonly AnatomyRun[] }[]).flatMap(
        ({ runs }) => timelineChart(runs) ?? [],
      );
    case 'scale':
      return scaleCharts(figures as readonly ScaledFigures[]);
    case 'soak':
      return soakCharts(figures as SoakFigures);
    case 'app':
      return [throughputChart((figures as { readonly throughput: Throughput }).throughput)];
    default:
      return [];
  }
}

function throughputChart({ fromMs, stepMs, perSecond }: Throughput): Chart {
  return {
    title: 'Throughput of a database around the barrier',
    caption: 'Acknowledged transactions a second before, during and after, all rounds together.',
    height: 300,
    option: {
      grid: PLOT,
      xAxis: axis({ name: 'ms from the barrier', type: 'value' }, 'x'),
      yAxis: axis({ name: 'transactions/s', type: 'value' }, 'y'),
      series: [
        {
          type: 'line',
          step: 'end',
          showSymbol: false,
          data: perSecond.map((rate, step) => [fromMs + step * stepMs, rate]),
          markLine: {
            symbol: 'none',
            label: { show: false },
            lineStyle: { color: INK, type: 'solid', width: 1 },
            data: [{ xAxis: 0 }],
          },
        },
      ],
    },
  };
}
