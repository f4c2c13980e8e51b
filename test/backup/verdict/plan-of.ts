import type { Disk, Exclusion, FileSystem, Plan } from '../../../src/filesystems/plan-types.ts';
import type { Fate, Machine, MachineDisk, MachineFileSystem } from './machine.ts';
import { pathsOf, swapOf } from './world.ts';

export function blobOf(target: number): string {
  return `https://account.blob.example/vhds/${target}.vhd`;
}

/** Indexes in the machine of the file systems that the plan has, in its order. */
export function plannedIn({ fileSystems }: Machine): number[] {
  return [...fileSystems.keys()].filter((index) => fileSystems[index]?.fate === 'plan');
}

/** What the plan of the machine is, before anything changes. */
export function planOf(machine: Machine): Plan {
  const planned = plannedIn(machine);
  const fileSystems = planned.map((index) => mounted(machine, index, 'disks'));
  const disks = machine.disks.map(diskOf);
  const isFrozen = ({ name }: Disk): boolean => fileSystems.some((it) => it.disks.includes(name));
  const waves = [0, 1].map((wave) =>
    [...planned.keys()].filter((at) => machine.fileSystems[planned[at] ?? 0]?.wave === wave),
  );
  return {
    fileSystems,
    waves: waves.filter((wave) => wave.length > 0),
    thawsAfter: planned.map(() => []),
    disks: disks.filter(isFrozen),
    otherDisks: disks.filter((disk) => !isFrozen(disk)),
    excluded: excludedIn(machine),
  };
}

/** The storage as it is after the thaw. */
export function storageAfter(machine: Machine): Pick<Plan, 'fileSystems' | 'excluded'> {
  const isThere = ({ fate }: MachineFileSystem): boolean => fate === 'plan' || isLate(fate);
  return {
    fileSystems: machine.fileSystems.flatMap((it, index) =>
      isThere(it) ? [mounted(machine, index, 'disksAfter')] : [],
    ),
    excluded: excludedIn(machine).filter(({ device }) => !isLate(fateOf(machine, device))),
  };
}

function isLate(fate: Fate): boolean {
  return fate === 'since' || fate === 'remounted';
}

function fateOf({ fileSystems }: Machine, device: string): Fate {
  return fileSystems[Number(device.split(':')[1])]?.fate ?? 'plan';
}

function diskOf(disk: MachineDisk, index: number): Disk {
  const { name, swap } = disk;
  return {
    name,
    paths: pathsOf(disk),
    path: `/dev/${name}`,
    lun: index,
    role: 'data',
    sizeBytes: 1,
    swaps: swap.length === 0 ? [] : [swapOf(name)],
  };
}

function mounted(machine: Machine, index: number, which: 'disks' | 'disksAfter'): FileSystem {
  return {
    device: `8:${index}`,
    type: 'ext4',
    source: '/dev/x',
    mountPoint: `/${index}`,
    mountPoints: [`/${index}`],
    disks: machine.fileSystems[index]?.[which] ?? [],
    imageOn: undefined,
  };
}

function excludedIn({ fileSystems }: Machine): Exclusion[] {
  return fileSystems.flatMap(({ fate, disks }, index): Exclusion[] => {
    if (fate === 'plan' || fate === 'since') {
      return [];
    }
    return [
      {
        device: `8:${index}`,
        type: fate === 'not-freezable' ? 'vfat' : 'ext4',
        mountPoint: `/${index}`,
        reason: fate === 'remounted' ? 'read-only' : fate,
        disks,
        isWritable: fate !== 'read-only' && fate !== 'remounted',
      },
    ];
  });
}
