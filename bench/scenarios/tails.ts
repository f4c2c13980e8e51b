import { setTimeout as delay } from 'node:timers/promises';
import { Writers } from '../../src/lab/writers.ts';
import { takeApart } from '../anatomy.ts';
import { REST_MS } from '../comparison.ts';
import { addDiskCountsOption, addLabOptions, rigOptions } from '../options.ts';
import { type Rounds, repeat } from '../repeat.ts';
import { LabRig } from '../rig.ts';
import { defineScenario } from '../scenario.ts';
import { measureSizes, type SizesOptions } from '../sizes.ts';
import { quantile } from '../statistics.ts';
import { renderTable } from '../table.ts';
import { type Excess, longestOf, type TailRun, tailRunOf } from '../tails.ts';

interface TailFigures extends Rounds<TailRun> {
  readonly disks: number;
}

const LONGEST = 10;

export const tails = defineScenario<SizesOptions, readonly TailFigures[]>({
  name: 'tails',
  summary:
    'Many windows beside writers that sync like a database: the longest ones, and what made them long',
  addOptions: (command) => {
    addDiskCountsOption(command, [16, 64]);
    addLabOptions(command, { rounds: 500 });
  },
  measure: (options, progress) =>
    measureSizes(options.disks, progress, async (disks, say) => {
      await using rig = await LabRig.create(rigOptions(options, disks));
      await using _writers = await Writers.start(rig.mountPoints);
      const once = async (): Promise<TailRun> => {
        await delay(REST_MS);
        return tailRunOf(await takeApart(rig, {}));
      };
      return { disks, ...(await repeat(options, once, say)) };
    }),
  render: (figures) => [renderTails(figures), ...figures.map(renderLongest)].join('\n\n'),
});

function renderTails(figures: readonly TailFigures[]): string {
  const share =
    (at: number) =>
    ({ runs }: TailFigures): number =>
      quantile(
        runs.map(({ stallMs }) => stallMs),
        at,
      );
  return renderTable(
    'longest stall of a window, ms',
    [
      { head: 'disks', value: ({ disks }) => disks, decimals: 0 },
      { head: 'windows', value: ({ runs }) => runs.length, decimals: 0 },
      { head: 'median', value: share(0.5) },
      { head: 'p90', value: share(0.9) },
      { head: 'p99', value: share(0.99) },
      { head: 'p99.9', value: share(0.999) },
      { head: 'max', value: share(1) },
      {
        head: 'p99 ÷ median',
        value: (size) => share(0.99)(size) / share(0.5)(size),
        decimals: 2,
      },
      { head: 'failed', value: ({ failed }) => failed.length, decimals: 0 },
    ],
    figures,
  );
}

function renderLongest({ disks, runs, failed }: TailFigures): string {
  const longest = longestOf(runs, LONGEST);
  const waits = Object.keys(longest[0]?.waitedMs ?? {});
  const table = renderTable(
    `${disks} disks, the ${longest.length} longest: the stage that was longer than usual by the most`,
    [
      { head: 'stall, ms', value: ({ stallMs }: Excess) => stallMs },
      { head: 'until', value: ({ until }: Excess) => until },
      { head: 'longer by, ms', value: ({ excessMs }: Excess) => excessMs },
      ...waits.map((who) => ({
        head: `waited, ms:\n${who}`,
        value: ({ waitedMs }: Excess) => waitedMs[who] ?? 0,
      })),
    ],
    longest,
  );
  return [table, ...[...new Set(failed)].map((reason) => `! failed: ${reason}`)].join('\n');
}
