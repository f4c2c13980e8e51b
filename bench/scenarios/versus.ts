import { addDiskCountsOption, addLabOptions } from '../options.ts';
import { type FlashfreezeOptions, flashfreeze } from '../peers/flashfreeze.ts';
import { floor } from '../peers/floor.ts';
import { nativeFloor } from '../peers/native-floor.ts';
import { defineScenario } from '../scenario.ts';
import { compareSizes, renderSizes, type SizedComparison, type SizesOptions } from '../sizes.ts';
import { variant } from '../variants.ts';

interface VersusOptions extends SizesOptions {
  readonly variant?: readonly FlashfreezeOptions[];
  readonly other?: FlashfreezeOptions;
  readonly floor?: boolean;
}

const THIS: FlashfreezeOptions = { name: 'this' };

export const versus = defineScenario<VersusOptions, readonly SizedComparison[]>({
  name: 'versus',
  summary: 'flashfreeze against itself: other settings, another checkout or a package',
  addOptions: (command) => {
    const collect = (
      text: string,
      before: readonly FlashfreezeOptions[] = [],
    ): FlashfreezeOptions[] => [...before, variant(text)];
    command
      .option(
        '--variant <key=value,…>',
        'repeatable: lanes=2, fire=barrier, settle=no, checkout=<directory>, node=<options>; with one, this checkout as it is is the other',
        collect,
      )
      .option(
        '--other <directory>',
        'another checkout, built, or an unpacked package; short for --variant checkout=…',
        (directory) => ({ ...variant(`checkout=${directory}`), name: 'other' }),
      )
      .option('--floor', 'measure the floors too');
    addDiskCountsOption(command, [16, 64]);
    addLabOptions(command, { rounds: 11 });
  },
  measure: (options, progress) =>
    compareSizes(
      options,
      [...variantsOf(options).map(flashfreeze), ...(options.floor ? [floor(), nativeFloor()] : [])],
      progress,
    ),
  render: renderSizes,
});

function variantsOf({ variant: asked = [], other }: VersusOptions): FlashfreezeOptions[] {
  const variants = [...asked, ...(other === undefined ? [] : [other])];
  return variants.length > 1 ? variants : [THIS, ...variants];
}
