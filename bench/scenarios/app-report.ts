import { figure } from '../table.ts';

/** Transactions a second around the barriers of all rounds together, in equal steps. */
export interface Throughput {
  /** Of the first step's beginning, relative to the barrier; ms. */
  readonly fromMs: number;
  readonly stepMs: number;
  readonly perSecond: readonly number[];
}

const BLOCKS = ' ▁▂▃▄▅▆▇█';
const ROWS = 8;

/** Acknowledged transactions by their distance to the barrier, as a rate. */
export function throughputOf(
  distancesMs: readonly number[],
  rounds: number,
  {
    fromMs,
    toMs,
    stepMs,
  }: { readonly fromMs: number; readonly toMs: number; readonly stepMs: number },
): Throughput {
  const counts = new Array<number>(Math.ceil((toMs - fromMs) / stepMs)).fill(0);
  for (const distance of distancesMs) {
    const step = Math.floor((distance - fromMs) / stepMs);
    if (step >= 0 && step < counts.length) {
      counts[step] = (counts[step] ?? 0) + 1;
    }
  }
  const perSecond = counts.map((count) => (count * 1_000) / (stepMs * rounds));
  return { fromMs, stepMs, perSecond };
}

/** A column for each step; the barrier is marked below. */
export function renderThroughput({ fromMs, stepMs, perSecond }: Throughput): string {
  const most = Math.max(1, ...perSecond);
  const rows = Array.from({ length: ROWS }, (_, row) => {
    const floor = ROWS - 1 - row;
    const cells = perSecond.map((value) => {
      const eighths = Math.round(((value / most) * ROWS - floor) * 8);
      return BLOCKS[Math.min(8, Math.max(0, eighths))];
    });
    const label = row === 0 ? figure(most, 0) : row === ROWS - 1 ? '0' : '';
    return `${label.padStart(8)} │${cells.join('')}`;
  });
  const barrierColumn = Math.round(-fromMs / stepMs);
  const toMs = fromMs + stepMs * perSecond.length;
  const axis = `${' '.repeat(8)} └${'─'.repeat(barrierColumn)}┴${'─'.repeat(Math.max(0, perSecond.length - barrierColumn - 1))}`;
  const left = `${fromMs} ms`;
  const right = `+${toMs} ms`;
  const gap = Math.max(1, barrierColumn - left.length - 3);
  const rest = Math.max(1, perSecond.length - barrierColumn - 4 - right.length);
  return [
    'transactions/s',
    ...rows,
    axis,
    `${' '.repeat(10)}${left}${' '.repeat(gap)}barrier${' '.repeat(rest)}${right}`,
  ].join('\n');
}
