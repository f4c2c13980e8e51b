import type { Kernel } from './kernels.ts';
import {
  dataDiskName,
  type Machine,
  type MachineFileSystem,
  OS_DISK,
  rootFileSystem,
} from './machine.ts';
import { MACHINES } from './machines.ts';
import { QEMU_ROOT } from './qemu/arguments.ts';
import { disksOf, type QemuMachine } from './qemu/machine.ts';
import { QEMU_MACHINES } from './qemu/machines.ts';

export interface UmlMachine extends Machine {
  readonly kind: 'uml';
}

export type AnyMachine = UmlMachine | QemuMachine;

export const ALL_MACHINES: readonly AnyMachine[] = [
  ...MACHINES.map((machine) => ({ kind: 'uml', ...machine }) as const),
  ...QEMU_MACHINES,
];

/** What is played: a machine with a kernel. */
export interface Pairing {
  readonly machine: AnyMachine;
  readonly kernel: Kernel;
}

/** By kernel, so that those of one kernel follow each other. Pure. */
export function pairingsOf(
  machines: readonly AnyMachine[],
  kernels: readonly Kernel[],
): readonly Pairing[] {
  return kernels.flatMap((kernel) =>
    machines
      .filter((machine) => machine.kind === 'uml' || machine.kernels.includes(kernel.name))
      .map((machine) => ({ machine, kernel })),
  );
}

/** The image file `<name>.img` behind a disk. */
export interface DiskFile {
  readonly name: string;
  readonly megabytes: number;
  readonly hasBlob: boolean;
}

/** The OS disk first, the others in the order in which the machine has them. Pure. */
export function diskFilesOf(machine: AnyMachine): readonly DiskFile[] {
  switch (machine.kind) {
    case 'uml':
      return [
        { name: OS_DISK, megabytes: 0, hasBlob: true },
        ...machine.disks.map((megabytes, index) => ({
          ...{ name: dataDiskName(index), megabytes, hasBlob: true },
        })),
      ];
    case 'qemu':
      return disksOf(machine).map(({ name, megabytes, withoutBlob }) => ({
        ...{ name, megabytes, hasBlob: withoutBlob !== true },
      }));
  }
}

/** The root file system, as the second boot sees the snapshot of its disk. */
export function snapshotRootOf(machine: AnyMachine): MachineFileSystem {
  return machine.kind === 'uml' ? rootFileSystem(machine) : QEMU_ROOT;
}
