import { constants, open } from 'node:fs/promises';
import { join } from 'node:path';
import { type ContenderSamples, compare, renderComparison } from '../comparison.ts';
import {
  addLabOptions,
  count,
  diskCount,
  type LabScenarioOptions,
  rigOptions,
} from '../options.ts';
import { flashfreeze } from '../peers/flashfreeze.ts';
import { LabRig } from '../rig.ts';
import type { Contender } from '../sample.ts';
import { defineScenario } from '../scenario.ts';

interface DirtyOptions extends LabScenarioOptions {
  readonly disks: number;
  readonly dirtyMb: number;
}

const MIB = 2 ** 20;
/** For the file system's own structures, xfs's log of 64 MB the largest of them. */
const SPARE_MB = 300;

export const dirty = defineScenario<DirtyOptions, readonly ContenderSamples[]>({
  name: 'dirty',
  summary: 'Dirty pages at the moment of start: settling first against freezing at once',
  addOptions: (command) => {
    command
      .option('--disks <count>', 'number of disks', diskCount, 8)
      .option('--dirty-mb <MB>', 'dirty data of each file system', count, 50);
    addLabOptions(command, { rounds: 7 });
  },
  measure: async (options, progress) => {
    const sizeMb = options.dirtyMb + SPARE_MB;
    await using rig = await LabRig.create({ ...rigOptions(options, options.disks), sizeMb });
    const contenders = [
      flashfreeze({ name: 'settle' }),
      flashfreeze({ name: 'no settle', settle: false }),
    ].map((contender) => onDirtyDisks(contender, options.dirtyMb));
    return await compare(rig, contenders, options, progress);
  },
  render: (figures, { disks, dirtyMb, fileSystems, latency }) =>
    renderComparison(
      `${disks} disks with ${dirtyMb} MB dirty each, ${fileSystems}, ${latency} ms latency: ms`,
      figures,
    ),
});

function onDirtyDisks(contender: Contender, dirtyMb: number): Contender {
  return {
    name: contender.name,
    takeSample: async (rig) => {
      await Promise.all(rig.mountPoints.map((path) => makeDirty(path, dirtyMb)));
      return await contender.takeSample(rig);
    },
  };
}

/**
 * The same file again and again, written over in the page cache, where it stays for seconds. Not
 * truncated first: ext4 flushes a truncated and rewritten file as soon as it is closed.
 */
async function makeDirty(mountPoint: string, dirtyMb: number): Promise<void> {
  await using file = await open(join(mountPoint, 'dirty'), constants.O_CREAT | constants.O_WRONLY);
  const block = Buffer.alloc(MIB, 'dirty');
  for (let written = 0; written < dirtyMb; written += 1) {
    await file.write(block, 0, block.length, written * MIB);
  }
}
