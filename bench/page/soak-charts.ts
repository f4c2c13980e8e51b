import type { SoakFigures } from '../soak/model.ts';
import { axis, type Chart, PLOT } from './chart.ts';

const KINDS = [
  { kind: 'none', name: 'undisturbed' },
  { kind: 'passing', name: 'the server erred once, or was slow' },
  { kind: 'final', name: 'a disk could not be had' },
] as const;

export function soakCharts({ runs }: SoakFigures): Chart[] {
  return [
    {
      title: 'Soak: the longest stall of every snapshot',
      caption: `${runs.length} snapshots back to back under load, with a server that errs now and then. A disk that never answers holds its own file system until the time-out of 3 s, and no other.`,
      option: {
        grid: PLOT,
        xAxis: axis({ name: 'snapshot', type: 'value' }, 'x'),
        yAxis: axis({ name: 'longest stall, ms', type: 'log', min: 10 }, 'y'),
        series: KINDS.map(({ kind, name }) => ({
          type: 'scatter',
          name,
          symbolSize: 4,
          data: runs.flatMap(({ faultKind, stallMs }, index) =>
            faultKind === kind && stallMs !== undefined ? [[index + 1, stallMs]] : [],
          ),
        })),
      },
    },
    {
      title: 'Soak: memory',
      caption: 'Resident memory and JavaScript heap of the one process that takes them all.',
      height: 260,
      option: {
        grid: PLOT,
        xAxis: axis({ name: 'snapshot', type: 'value' }, 'x'),
        yAxis: axis({ name: 'MB', type: 'value' }, 'y'),
        series: [
          { name: 'resident', of: (run: SoakFigures['runs'][number]) => run.rssMb },
          { name: 'heap', of: (run: SoakFigures['runs'][number]) => run.heapMb },
        ].map(({ name, of }) => ({
          type: 'line',
          name,
          showSymbol: false,
          data: runs.map((run, index) => [index + 1, of(run)]),
        })),
      },
    },
  ];
}
