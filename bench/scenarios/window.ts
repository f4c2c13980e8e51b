import { type Command, Option } from 'commander';
import { addDiskCountsOption, addFireOption, addLabOptions, count } from '../options.ts';
import { PEER_COMMANDS, PEER_NAMES, PEERS, type PeerName } from '../peers/all.ts';
import { flashfreeze } from '../peers/flashfreeze.ts';
import { floor } from '../peers/floor.ts';
import { addRealOptions, confirmReal, type RealOptions, RealRig } from '../real-rig.ts';
import type { Contender } from '../sample.ts';
import { defineScenario, type Progress } from '../scenario.ts';
import { compareOn, compareSizes, type SizedComparison, type SizesOptions } from '../sizes.ts';
import { renderWindow } from './window-report.ts';

export interface WindowOptions extends SizesOptions, RealOptions {
  readonly lanes?: number;
  readonly fire?: 'early' | 'barrier';
  /** Default: all in the lab, none on the machine's own disks. */
  readonly peers?: readonly PeerName[];
}

export const window = defineScenario<WindowOptions, readonly SizedComparison[]>({
  name: 'window',
  summary: 'What writers feel of a snapshot of all disks, beside the floor and other tools',
  commands: PEER_COMMANDS,
  prepare: confirmReal,
  addOptions: (command: Command) => {
    addDiskCountsOption(command, [4, 16, 64]);
    command
      .option('--lanes <count>', 'threads for the requests; default: the product’s', count)
      .addOption(
        new Option(
          '--peers <names...>',
          'other tools in the same run; default: all in the lab, none with --real',
        ).choices([...PEER_NAMES, 'none']),
      );
    addFireOption(command);
    addLabOptions(command, { rounds: 9 });
    addRealOptions(command);
  },
  measure: async (options, progress) =>
    options.real === true
      ? await measureReal(options, progress)
      : await compareSizes(options, contendersOf(options, PEER_NAMES), progress),
  render: renderWindow,
});

async function measureReal(options: WindowOptions, progress: Progress): Promise<SizedComparison[]> {
  await using rig = await RealRig.open(options);
  const say = (line: string): void => progress(`${rig.urls.length} disks, ${line}`);
  return [await compareOn(rig, options, contendersOf(options, []), say)];
}

function contendersOf(
  { lanes, fire, peers }: WindowOptions,
  defaultPeers: readonly PeerName[],
): Contender[] {
  const asked = (peers ?? defaultPeers).filter((name) => Object.hasOwn(PEERS, name));
  return [flashfreeze({ lanes, fire }), floor(lanes), ...asked.map((name) => PEERS[name])];
}
