import { type AnatomyRun, MILESTONES, takeApart } from '../anatomy.ts';
import { addDiskCountsOption, addLabOptions, count, rigOptions } from '../options.ts';
import type { FreezeManner } from '../peers/bare-freeze.ts';
import { flashfreeze } from '../peers/flashfreeze.ts';
import { floor } from '../peers/floor.ts';
import { FREEZE_MANNERS, freezeCostMs } from '../peers/freeze-cost.ts';
import type { ProcessorTime } from '../peers/recorded.ts';
import { type Rounds, repeat } from '../repeat.ts';
import { LabRig, type Rig } from '../rig.ts';
import { defineScenario, type Progress } from '../scenario.ts';
import { compareOn, measureSizes, type SizedComparison, type SizesOptions } from '../sizes.ts';
import { renderScale } from './scale-report.ts';

interface ScaleOptions extends SizesOptions {
  readonly freezeRounds: number;
}

/** One number of disks. */
export interface ScaledFigures extends SizedComparison {
  /** Runs taken apart. */
  readonly steps: Rounds<StepsOfRun>;
  /** The freeze alone, in ms, in each manner. */
  readonly freezes: readonly { readonly manner: FreezeManner; readonly costs: Rounds<number> }[];
}

export interface StepsOfRun {
  /** From the beginning of the window to each of `MILESTONES`, in ms. */
  readonly reachedMs: readonly number[];
  readonly cpu: readonly ProcessorTime[];
}

const SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256];

export const scale = defineScenario<ScaleOptions, readonly ScaledFigures[]>({
  name: 'scale',
  summary:
    'From 1 to 256 disks: where the window grows, and what freezing alone costs in which manner',
  addOptions: (command) => {
    addDiskCountsOption(command, SIZES);
    command.option('--freeze-rounds <count>', 'rounds of each manner of freezing', count, 3);
    addLabOptions(command, { rounds: 5 });
  },
  measure: (options, progress) =>
    measureSizes(options.disks, progress, async (disks, say) => {
      await using rig = await LabRig.create(rigOptions(options, disks));
      return await measureSize(rig, options, say);
    }),
  render: renderScale,
});

async function measureSize(
  rig: Rig,
  options: ScaleOptions,
  progress: Progress,
): Promise<ScaledFigures> {
  const comparison = await compareOn(rig, options, [flashfreeze(), floor()], progress);
  const say = (line: string): void => progress(`steps, ${line}`);
  const steps = await repeat(options, async () => stepsOf(await takeApart(rig, {})), say);
  return { ...comparison, steps, freezes: await freezesOf(rig, options, progress) };
}

function stepsOf(run: AnatomyRun): StepsOfRun {
  const reached = MILESTONES.map(({ at }) => at(run));
  return { reachedMs: reached.map((ms) => ms - (reached[0] ?? 0)), cpu: run.cpu };
}

async function freezesOf(
  rig: Rig,
  { freezeRounds: rounds }: ScaleOptions,
  progress: Progress,
): Promise<ScaledFigures['freezes']> {
  const freezes: ScaledFigures['freezes'][number][] = [];
  for (const manner of FREEZE_MANNERS) {
    const say = (line: string): void =>
      progress(`${manner.order}, expedited: ${manner.expedite}, ${line}`);
    freezes.push({ manner, costs: await repeat({ rounds }, () => freezeCostMs(rig, manner), say) });
  }
  return freezes;
}
