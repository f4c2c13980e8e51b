import { mkdir, mkdtemp, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { LabFileSystemType } from '../../src/lab/disks.ts';
import { runCommand, tryCommand } from '../../src/lab/run-command.ts';
import { unmount } from '../../src/lab/unmount.ts';

/**
 * `as-it-is`: read-only devices and no recovery whatever, so that only a snapshot that needs none
 * shows its content. `recovered`: as after a crash, on the copy.
 */
export type MountMode = 'as-it-is' | 'recovered';

const OPTIONS: Readonly<Record<LabFileSystemType, Readonly<Record<MountMode, string>>>> = {
  ext3: { 'as-it-is': 'ro,noload', recovered: 'rw' },
  ext4: { 'as-it-is': 'ro,noload', recovered: 'rw' },
  // nouuid: the original is mounted, too.
  xfs: { 'as-it-is': 'ro,norecovery,nouuid', recovered: 'rw,nouuid' },
  btrfs: { 'as-it-is': 'ro,rescue=nologreplay', recovered: 'rw' },
};

/** Snapshot images of one file system, attached as loop devices. */
export class AttachedImages implements AsyncDisposable {
  readonly devices: readonly string[];

  private constructor(devices: readonly string[]) {
    this.devices = devices;
  }

  static async attach(images: readonly string[], mode: MountMode): Promise<AttachedImages> {
    const access = mode === 'as-it-is' ? ['--read-only'] : [];
    const devices: string[] = [];
    for (const image of images) {
      devices.push(await runCommand('losetup', ['--find', '--show', ...access, image]));
    }
    return new AttachedImages(devices);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const device of this.devices) {
      await runCommand('losetup', ['--detach', device]);
    }
  }
}

/** The file system of attached snapshot images, mounted at a place of its own. */
export class MountedSnapshot implements AsyncDisposable {
  readonly mountPoint: string;
  readonly #forget: readonly string[];

  private constructor(mountPoint: string, forget: readonly string[]) {
    this.mountPoint = mountPoint;
    this.#forget = forget;
  }

  /** Rejects with what mount(8) says if it cannot be mounted that way. */
  static async mount(
    type: LabFileSystemType,
    devices: readonly string[],
    mode: MountMode,
    directory: string,
  ): Promise<MountedSnapshot> {
    await mkdir(directory, { recursive: true });
    const mountPoint = await mkdtemp(join(directory, 'snapshot-'));
    const [first = '', ...others] = devices;
    const options = [OPTIONS[type][mode], ...others.map((device) => `device=${device}`)].join(',');
    try {
      await runCommand('mount', ['-t', type, '-o', options, first, mountPoint]);
    } catch (error) {
      await rmdir(mountPoint);
      throw error;
    }
    return new MountedSnapshot(mountPoint, type === 'btrfs' ? devices : []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await unmount(this.mountPoint);
    await rmdir(this.mountPoint);
    if (this.#forget.length > 0) {
      // Else the kernel would go on taking these loop devices for the file system's.
      await tryCommand('btrfs', ['device', 'scan', '--forget', ...this.#forget]);
    }
  }
}
