import { fstatSync, readFileSync } from 'node:fs';
import { type DeviceNumber, deviceNumber } from '../system/device-number.ts';
import { parseFdinfo } from '../system/fdinfo.ts';
import { parseMountinfo } from '../system/mountinfo.ts';

/** The mount that a descriptor was opened through. */
export interface OpenedMount {
  /** Of its superblock. */
  readonly device: DeviceNumber;
  /** As mountinfo numbers it. */
  readonly mountId: number | undefined;
}

/** The superblock behind each descriptor: see `openedMounts`. */
export function superblocksOf(descriptors: readonly number[]): DeviceNumber[] {
  return openedMounts(descriptors).map(({ device }) => device);
}

/**
 * The mount behind each descriptor, and its superblock as the third field of mountinfo shows it.
 * `st_dev` differs from it: each subvolume of a btrfs has its own. If the mount is no longer in mountinfo,
 * `st_dev` is the best that is left.
 */
export function openedMounts(descriptors: readonly number[]): OpenedMount[] {
  // Not UTF-8: a mount point with other bytes must not hide its line.
  const { mounts } = parseMountinfo(readFileSync('/proc/self/mountinfo', 'latin1'));
  const devices = new Map(mounts.map(({ id, device }) => [id, device]));
  return descriptors.map((descriptor) => {
    const { mountId } = parseFdinfo(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1'));
    const known = mountId === undefined ? undefined : devices.get(mountId);
    return { device: known ?? deviceNumber(fstatSync(descriptor, { bigint: true }).dev), mountId };
  });
}
