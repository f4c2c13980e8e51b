import type { DeviceNumber } from '../../system/device-number.ts';
import type { PermissionMark } from '../../system/fdinfo.ts';
import { type Mount, parseMountinfo } from '../../system/mountinfo.ts';
import type { ProcessView } from '../../system/processes.ts';
import { natureOfType } from '../file-system-types.ts';

/**
 * Superblocks by mount id, which is unique on the machine. A daemon in a mount namespace of its own
 * (a container, a service with private mounts) is found in its own mountinfo; what it got from the process that
 * started it (its log) can be in another namespace's, of which init's and ours are looked at.
 */
export class MountDevices {
  readonly #view: ProcessView;
  readonly #devices = new Map<number, DeviceNumber>();
  /** Namespaces and roots, and whether anything was read there. */
  readonly #places = new Map<string, Promise<boolean>>();

  constructor(view: ProcessView) {
    this.#view = view;
  }

  async learnFrom(pid: number): Promise<void> {
    for (const process of ['self', 1, pid]) {
      const namespace = (await this.#view.link(`/proc/${process}/ns/mnt`)) ?? `of ${process}`;
      // In a changed root a process shows the mounts below that only.
      const place = `${namespace} ${await this.#view.link(`/proc/${process}/root`)}`;
      const learning = this.#places.get(place) ?? this.#learn(process);
      this.#places.set(place, learning);
      if (!(await learning)) {
        // It has ended: others may show the namespace.
        this.#places.delete(place);
      }
    }
  }

  ofMount(mountId: number | undefined): DeviceNumber | undefined {
    return mountId === undefined ? undefined : this.#devices.get(mountId);
  }

  ofMark(mark: PermissionMark): DeviceNumber | undefined {
    return mark.kind === 'superblock' ? mark.device : this.ofMount(mark.mountId);
  }

  async #learn(process: number | string): Promise<boolean> {
    const text = (await this.#view.read(`/proc/${process}/mountinfo`)) ?? '';
    for (const { id, device } of parseMountinfo(text).mounts.filter(canBeWaitedFor)) {
      this.#devices.set(id, device);
    }
    return text !== '';
  }
}

/** Nothing is ever frozen under what lives in memory or in the kernel alone. */
function canBeWaitedFor({ type }: Mount): boolean {
  const nature = natureOfType(type);
  return nature !== 'memory' && nature !== 'pseudo';
}
