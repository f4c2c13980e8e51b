import { fstatSync, readFileSync } from 'node:fs';

/**
 * `major:minor` of the superblock behind each descriptor, as the third field of mountinfo shows it.
 * `st_dev` will not do: it differs between the subvolumes of one btrfs. Where the mount has gone
 * from mountinfo meanwhile, `st_dev` is the best there is.
 */
export function superblocksOf(descriptors: readonly number[]): string[] {
  const devices = devicesByMountId(readFileSync('/proc/self/mountinfo', 'latin1'));
  return descriptors.map((descriptor) => {
    const mountId = mountIdOf(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1'));
    return devices.get(mountId) ?? deviceNumberOf(fstatSync(descriptor).dev);
  });
}

/** mountinfo's mount id (first field) → `major:minor` (third field). */
export function devicesByMountId(mountinfo: string): Map<string, string> {
  const devices = new Map<string, string>();
  for (const line of mountinfo.split('\n')) {
    const [mountId, , device] = line.split(' ', 3);
    if (mountId !== undefined && device !== undefined) {
      devices.set(mountId, device);
    }
  }
  return devices;
}

/** The `mnt_id:` line of a descriptor's fdinfo; empty where there is none. */
export function mountIdOf(fdinfo: string): string {
  return /^mnt_id:\s*(\d+)$/m.exec(fdinfo)?.[1] ?? '';
}

/** `st_dev` as the C library encodes it → `major:minor`. */
export function deviceNumberOf(device: number): string {
  const bits = BigInt(device);
  const major = ((bits >> 8n) & 0xfffn) | ((bits >> 32n) & 0xfffff000n);
  const minor = (bits & 0xffn) | ((bits >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}
