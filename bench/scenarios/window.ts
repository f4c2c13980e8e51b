import type { Command } from 'commander';
import { type ContenderSamples, compare } from '../comparison.ts';
import {
  addFireOption,
  addLabOptions,
  count,
  diskCounts,
  type LabScenarioOptions,
  rigOptions,
} from '../options.ts';
import { flashfreeze } from '../peers/flashfreeze.ts';
import { floor } from '../peers/floor.ts';
import { Rig } from '../rig.ts';
import { measureNoise, type Noise } from '../sample.ts';
import { defineScenario, type Progress } from '../scenario.ts';
import { renderWindow } from './window-report.ts';

export interface WindowOptions extends LabScenarioOptions {
  readonly disks: readonly number[];
  readonly lanes?: number;
  readonly fire?: 'early' | 'barrier';
}

export interface WindowFigures {
  readonly disks: number;
  readonly noise: Noise;
  /** Ours and the floor. */
  readonly contenders: readonly ContenderSamples[];
}

const NOISE_MS = 1_500;

export const window = defineScenario<WindowOptions, readonly WindowFigures[]>({
  name: 'window',
  summary: 'What writers feel of a snapshot of all disks, beside the floor of the same machine',
  addOptions: (command: Command) => {
    command
      .option('--disks <counts>', 'numbers of disks, one after the other', diskCounts, [4, 16, 64])
      .option('--lanes <count>', 'threads for the requests; default: the product’s', count);
    addFireOption(command);
    addLabOptions(command, { rounds: 9 });
  },
  measure: async (options, progress) => {
    const figures: WindowFigures[] = [];
    for (const disks of options.disks) {
      figures.push(await measureSize(options, disks, progress));
    }
    return figures;
  },
  render: renderWindow,
});

async function measureSize(
  options: WindowOptions,
  disks: number,
  progress: Progress,
): Promise<WindowFigures> {
  const { lanes, fire } = options;
  await using rig = await Rig.create(rigOptions(options, disks));
  const noise = await measureNoise(rig, NOISE_MS);
  const say = (line: string): void => progress(`${disks} disks, ${line}`);
  const contenders = await compare(rig, [flashfreeze({ lanes, fire }), floor(lanes)], options, say);
  return { disks, noise, contenders };
}
