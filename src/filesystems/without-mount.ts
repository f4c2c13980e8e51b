import type { Mount } from '../system/mountinfo.ts';
import type { ProcessView } from '../system/processes.ts';
import { type BlockDeviceName, type BlockTopology, devicesOfMount } from './block-topology.ts';
import { pathOfDisk } from './disks.ts';
import type { SystemView } from './system-view.ts';

/** Types whose superblocks sysfs lists by the names of their devices, beside folders of other names. */
const LISTED_BY_DEVICE = ['ext4', 'xfs', 'f2fs', 'nilfs2'];
/** PROC_PID_INIT_INO of the kernel. In another namespace of processes (a container's) not all mount namespaces can be found. */
const FIRST_PID_NAMESPACE = 'pid:[4026531836]';

/** Whether the processes of the whole machine can be seen. */
export async function seesEveryProcess(view: ProcessView): Promise<boolean> {
  return (await view.link('/proc/self/ns/pid')) === FIRST_PID_NAMESPACE;
}

/**
 * The writable superblocks that the kernel has, by sysfs, and of which none of the mounts is one: unmounted while files
 * were open (`umount -l`), pinned by a descriptor, or in a mount namespace that no process is in. Each is given as a mount
 * with its device for a mount point.
 *
 * One that is just being mounted or unmounted looks like this, too. So an answer counts only if it is given again for mounts
 * that were read after it.
 *
 * @param mounts of every mount namespace, at least one of each superblock
 */
export function superblocksWithoutMount(
  system: SystemView,
  topology: BlockTopology,
  mounts: readonly Mount[],
): Mount[] {
  const mounted = new Set(mounts.map(({ device }) => device));
  return [...listedByDevice(system), ...btrfsWithoutMount(topology, mounts)].flatMap(
    ({ type, name }): Mount[] => {
      const device = topology.devices.get(name)?.number;
      return device === undefined || mounted.has(device)
        ? []
        : [pretendedMount(type, pathOfDisk(name), device)];
    },
  );
}

interface LiveSuperblock {
  readonly type: string;
  readonly name: BlockDeviceName;
}

function listedByDevice(system: SystemView): LiveSuperblock[] {
  return LISTED_BY_DEVICE.flatMap((type) =>
    (system.list(`/sys/fs/${type}`) ?? [])
      .filter((name) => !isReadOnly(system, type, name))
      .map((name) => ({ type, name })),
  );
}

/** Of ext4 only the kernel shows it without a mount. */
function isReadOnly(system: SystemView, type: string, name: string): boolean {
  return system.read(`/proc/fs/${type}/${name}/options`)?.split('\n')[0] === 'ro';
}

/** None if the devices of some btrfs mount are not known: any could be its own. */
function btrfsWithoutMount(topology: BlockTopology, mounts: readonly Mount[]): LiveSuperblock[] {
  const members = mounts
    .filter(({ type }) => type === 'btrfs')
    .map((mount) => devicesOfMount(topology, mount));
  if (members.some((devices) => devices.length === 0)) {
    return [];
  }
  const claimed = new Set(members.flat());
  return topology.btrfs
    .filter((devices) => !devices.some((name) => claimed.has(name)))
    .flatMap(([name]) => (name === undefined ? [] : [{ type: 'btrfs', name }]));
}

function pretendedMount(type: string, path: string, device: Mount['device']): Mount {
  const none = { id: 0, parentId: 0, root: '/', options: 'rw', superOptions: 'rw' };
  return { ...none, ...{ device, type, mountPoint: path, source: path } };
}

/** A sentence for people. */
export function describeWithoutMount({ mountPoint, type }: Mount): string {
  return `${mountPoint} (${type}) is not frozen, because the kernel has it, but no mount of it is visible: it was unmounted while files were open (umount -l), or only a descriptor or a mount namespace without a process has it. Mount it, or end what still uses it; what is written to it can be in a snapshot half done`;
}
