import { resolve } from 'node:path';
import { type ContenderSamples, compare, renderComparison } from '../comparison.ts';
import { addLabOptions, diskCounts, type LabScenarioOptions, rigOptions } from '../options.ts';
import { flashfreeze } from '../peers/flashfreeze.ts';
import { Rig } from '../rig.ts';
import { defineScenario } from '../scenario.ts';

interface VersusOptions extends LabScenarioOptions {
  readonly disks: readonly number[];
  readonly other: string;
}

interface VersusFigures {
  readonly disks: number;
  readonly contenders: readonly ContenderSamples[];
}

export const versus = defineScenario<VersusOptions, readonly VersusFigures[]>({
  name: 'versus',
  summary: 'This checkout against another one: whether a change was worth it',
  addOptions: (command) => {
    command
      .requiredOption('--other <directory>', 'the other checkout, built', (path) => resolve(path))
      .option('--disks <counts>', 'numbers of disks, one after the other', diskCounts, [16, 64]);
    addLabOptions(command, { rounds: 11 });
  },
  measure: async (options, progress) => {
    const contenders = [
      flashfreeze({ name: 'this' }),
      flashfreeze({ name: 'other', checkout: options.other }),
    ];
    const figures: VersusFigures[] = [];
    for (const disks of options.disks) {
      await using rig = await Rig.create(rigOptions(options, disks));
      const say = (line: string): void => progress(`${disks} disks, ${line}`);
      figures.push({ disks, contenders: await compare(rig, contenders, options, say) });
    }
    return figures;
  },
  render: (figures, { fileSystems, latency }) =>
    figures
      .map(({ disks, contenders }) =>
        renderComparison(`${disks} disks, ${fileSystems}, ${latency} ms latency: ms`, contenders),
      )
      .join('\n\n'),
});
