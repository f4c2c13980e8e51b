import { type BlockTopology, leafNamesUnder } from './block-topology.ts';
import { compareText } from './superblocks.ts';
import type { SystemView } from './system-view.ts';

/** An md array of RAID 4, 5 or 6 that misses a member, or has one that is not rebuilt yet. */
export interface DegradedArray {
  /** `md2` */
  readonly device: string;
  /** `raid5` */
  readonly level: string;
  /** Kernel names of its disks, sorted. */
  readonly disks: readonly string[];
}

const LEVELS: readonly string[] = ['raid4', 'raid5', 'raid6'];
/** What an interrupted write has left is known, so that the kernel starts such an array all the same. */
const JOURNALED: readonly string[] = ['ppl', 'journal'];

/**
 * Arrays whose copies the kernel refuses to start ("cannot start dirty degraded array", drivers/md/raid5.c): md marks an
 * array as in use until a fifth of a second after its last write, so that snapshots usually show the mark, and a degraded
 * array with it may have lost an interrupted write. Frozen file systems have none under way.
 */
export function readDegradedArrays(system: SystemView, topology: BlockTopology): DegradedArray[] {
  return [...topology.devices.values()]
    .filter(({ name }) => name.startsWith('md'))
    .flatMap(({ name, number }) => {
      const read = (file: string): string =>
        system.read(`/sys/dev/block/${number}/md/${file}`)?.trim() ?? '';
      const level = read('level');
      const isDegraded = LEVELS.includes(level) && Number(read('degraded')) > 0;
      if (!isDegraded || JOURNALED.includes(read('consistency_policy'))) {
        return [];
      }
      return [{ device: name, level, disks: leafNamesUnder(topology, [name]) }];
    })
    .sort((a, b) => compareText(a.device, b.device));
}

/** A sentence for people, without a full stop. */
export function describeDegraded({ device, level, disks }: DegradedArray): string {
  return `${device} (${level}, on ${disks.join(', ')}) is degraded: a copy restored from snapshots that were taken meanwhile may start with mdadm --assemble --force only, which loses nothing if the snapshots show one instant`;
}

/** For people. */
export const REMEDY_FOR_DEGRADED =
  'replace the missing member, and wait until the array is rebuilt (cat /proc/mdstat)';
