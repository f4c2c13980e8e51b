import { loadAddon } from '../system/native.ts';
import type { OpenFileSystem } from './btrfs/read-maintenance.ts';

export const REMEDY_FOR_POLICY =
  'look in the audit log for what was denied (ausearch -m avc), and allow ioctl on directories to the domain that flashfreeze runs in';

/**
 * Mount points of the file systems on whose directories a security policy such as SELinux lets this process make no
 * ioctl: it would refuse FIFREEZE, too. Waits for no device. A policy that tells ioctls apart shows only in the freeze.
 *
 * @throws FlashfreezeError FF_ADDON_MISSING
 */
export function forbiddenByPolicy(fileSystems: readonly OpenFileSystem[]): string[] {
  const found = loadAddon().btrfsScrubs(fileSystems.map(({ descriptor }) => descriptor));
  return fileSystems
    .filter((_, index) => found[index]?.isForbidden)
    .map(({ mountPoint }) => mountPoint);
}

/** A sentence. Pure. @param mountPoints at least one */
export function describeForbidden(mountPoints: readonly string[]): string {
  return `a security policy (SELinux) forbids to freeze ${mountPoints.join(', ')} (EACCES)`;
}
