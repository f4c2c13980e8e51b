import type { AnatomyRun, Steps } from '../anatomy.ts';
import { lengthMs } from '../probe/figures.ts';
import { axis, type Chart, INK, PLOT } from './chart.ts';

interface Phase {
  readonly name: string;
  readonly untilMs: (disk: Steps) => number;
}

/** In their order; each begins where the one before ends, the first with FIFREEZE. */
const PHASES: readonly Phase[] = [
  { name: 'freezing', untilMs: (disk) => disk.frozenMs },
  { name: 'frozen, request not yet sent', untilMs: (disk) => disk.firedMs },
  { name: 'on the way to the server', untilMs: (disk) => disk.receivedMs },
  { name: 'server', untilMs: (disk) => disk.answeredMs },
  { name: 'answer on the way', untilMs: (disk) => disk.heardAcknowledgedMs },
  { name: 'thawing', untilMs: (disk) => disk.thawedMs },
];

const ROW_HEIGHT = 9;

/** One run, a line for each disk. */
export function timelineChart(runs: readonly AnatomyRun[]): Chart | undefined {
  const run = medianRun(runs);
  if (run === undefined) {
    return undefined;
  }
  const disks = run.disks.toSorted((a, b) => b.freezeStartMs - a.freezeStartMs);
  const beginMs = Math.min(...disks.map(({ askedFreezeMs }) => askedFreezeMs));
  const rows = disks.map(({ mountPoint }) => mountPoint);
  return {
    title: `One run of ${disks.length} disks`,
    caption: `Each line is a disk and its file system, from FIFREEZE to the return of FITHAW, in ms from the beginning of the window; the run whose longest stall is the median. The vertical line is the barrier, at ${(run.barrierMs - beginMs).toFixed(1)} ms: the instant that all snapshots show.`,
    height: 110 + ROW_HEIGHT * disks.length,
    option: {
      grid: { ...PLOT, left: 24, top: 62 },
      xAxis: axis({ name: 'ms', type: 'value' }, 'x'),
      yAxis: { type: 'category', data: rows, show: false },
      series: [
        {
          type: 'bar',
          stack: 'run',
          silent: true,
          itemStyle: { color: 'transparent' },
          barCategoryGap: '25%',
          data: disks.map(({ freezeStartMs }) => freezeStartMs - beginMs),
          markLine: {
            symbol: 'none',
            label: { show: false },
            lineStyle: { color: INK, type: 'solid', width: 1 },
            data: [{ xAxis: run.barrierMs - beginMs }],
          },
        },
        ...PHASES.map(({ name, untilMs }, index) => ({
          type: 'bar',
          stack: 'run',
          name,
          data: disks.map((disk) => {
            const sinceMs = PHASES[index - 1]?.untilMs(disk) ?? disk.freezeStartMs;
            return Math.max(0, untilMs(disk) - sinceMs);
          }),
        })),
      ],
    },
  };
}

function medianRun(runs: readonly AnatomyRun[]): AnatomyRun | undefined {
  const longestMs = ({ disks }: AnatomyRun): number =>
    Math.max(...disks.map(({ writer }) => lengthMs(writer)));
  return runs.toSorted((a, b) => longestMs(a) - longestMs(b))[Math.floor(runs.length / 2)];
}
