import { type ContenderSamples, compare, renderComparison } from '../comparison.ts';
import { addLabOptions, diskCounts, type LabScenarioOptions, rigOptions } from '../options.ts';
import { flashfreeze } from '../peers/flashfreeze.ts';
import { floor } from '../peers/floor.ts';
import { Rig } from '../rig.ts';
import { defineScenario } from '../scenario.ts';

interface FireOptions extends LabScenarioOptions {
  readonly disks: readonly number[];
}

interface FireFigures {
  readonly disks: number;
  readonly contenders: readonly ContenderSamples[];
}

export const fire = defineScenario<FireOptions, readonly FireFigures[]>({
  name: 'fire',
  summary: 'Requests that leave disk by disk (early) against all at the barrier',
  addOptions: (command) => {
    command.option(
      '--disks <counts>',
      'numbers of disks, one after the other',
      diskCounts,
      [16, 64],
    );
    addLabOptions(command, { rounds: 11 });
  },
  measure: async (options, progress) => {
    const rules = ['early', 'barrier'] as const;
    const contenders = [...rules.map((rule) => flashfreeze({ name: rule, fire: rule })), floor()];
    const figures: FireFigures[] = [];
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
