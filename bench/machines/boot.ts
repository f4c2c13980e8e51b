import { join } from 'node:path';
import type { AnyMachine } from './any-machine.ts';
import { bootQemu } from './qemu/boot.ts';
import { bootUml } from './uml.ts';

/** `drill` and `cut`: the disks as the first boot left them. */
export type Stage = 'freeze' | 'check' | 'drill' | 'cut';

export interface Boot {
  readonly machine: AnyMachine;
  /** Folder of the kernel, as `Provisions` names it. */
  readonly kernel: string;
  readonly stage: Stage;
  /** Names of files in the work folder, in the order of `diskFilesOf`; one more is the snapshot of the OS disk. */
  readonly images: readonly string[];
  readonly work: string;
  /** For what the kernel says on its console. */
  readonly consolePath: string;
}

/** Resolves when the machine is off. Rejects when it did not end in time. */
export async function boot({ machine, images, ...order }: Boot): Promise<void> {
  const { kernel, work } = order;
  switch (machine.kind) {
    case 'uml':
      return await bootUml({ ...order, machine: machine.name, disks: images });
    case 'qemu':
      return await bootQemu({
        ...{ ...order, machine },
        images: images.map((name) => join(work, name)),
        shared: [
          { tag: 'host', path: join(work, 'share'), isFixed: false },
          { tag: 'repo', path: join(work, 'repo'), isFixed: true },
          { tag: 'modules', path: join(kernel, 'lib/modules'), isFixed: true },
        ],
      });
  }
}
