import { fstatSync, readFileSync } from 'node:fs';

/** The mount that a descriptor was opened through. */
export interface OpenedMount {
  /** `major:minor` of its superblock. */
  readonly device: string;
  /** As mountinfo numbers it. */
  readonly mountId: number | undefined;
}

/** `major:minor` of the superblock behind each descriptor: see `openedMounts`. */
export function superblocksOf(descriptors: readonly number[]): string[] {
  return openedMounts(descriptors).map(({ device }) => device);
}

/**
 * The mount behind each descriptor, and its superblock as the third field of mountinfo shows it.
 * `st_dev` is not enough: it differs between the subvolumes of one btrfs. If the mount has left
 * mountinfo meanwhile, `st_dev` is the only source.
 */
export function openedMounts(descriptors: readonly number[]): OpenedMount[] {
  const devices = devicesByMountId(readFileSync('/proc/self/mountinfo', 'latin1'));
  return descriptors.map((descriptor) => {
    const mountId = mountIdOf(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1'));
    const known = mountId === undefined ? undefined : devices.get(mountId);
    return { device: known ?? deviceNumberOf(fstatSync(descriptor).dev), mountId };
  });
}

/** mountinfo's mount id (first field) → `major:minor` (third field). */
export function devicesByMountId(mountinfo: string): Map<number, string> {
  const devices = new Map<number, string>();
  for (const line of mountinfo.split('\n')) {
    const [mountId, , device] = line.split(' ', 3);
    if (mountId !== undefined && device !== undefined) {
      devices.set(Number(mountId), device);
    }
  }
  return devices;
}

/** The `mnt_id:` line of a descriptor's fdinfo; undefined if there is none. */
export function mountIdOf(fdinfo: string): number | undefined {
  const digits = /^mnt_id:\s*(\d+)$/m.exec(fdinfo)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** `st_dev` as the C library encodes it → `major:minor`. */
export function deviceNumberOf(device: number): string {
  const bits = BigInt(device);
  const major = ((bits >> 8n) & 0xfffn) | ((bits >> 32n) & 0xfffff000n);
  const minor = (bits & 0xffn) | ((bits >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}
