import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LabFileSystemType } from '../../src/lab/disks.ts';
import {
  attachImage,
  detachDevice,
  mountDevices,
  thawAndUnmount,
  untilDetached,
} from '../../src/lab/loop-devices.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { unmount } from '../../src/lab/unmount.ts';
import { DaemonProcess, type LogHabit } from './daemon-process.ts';

const SIZE_MB = { ext3: 64, ext4: 64, xfs: 320, btrfs: 160 } as const;
const MKFS_OPTIONS = { ext3: ['-F'], ext4: ['-F'], xfs: ['-f'], btrfs: ['-f'] } as const;
let created = 0;

/** A mounted file system whose image is served by a FUSE daemon that writes a log. */
export class ServedDisk implements AsyncDisposable {
  readonly mountPoint: string;
  /** The file in which the daemon keeps the content of the image. */
  readonly imagePath: string;
  readonly #directory: string;
  readonly #resources: AsyncDisposableStack;

  private constructor(directory: string, resources: AsyncDisposableStack) {
    this.#directory = directory;
    this.mountPoint = join(directory, 'disk');
    this.imagePath = join(directory, 'content');
    this.#resources = resources;
  }

  static async create(
    type: LabFileSystemType,
    log: string,
    habit: LogHabit,
    writeMs = 0,
  ): Promise<ServedDisk> {
    created += 1;
    await using resources = new AsyncDisposableStack();
    const disk = new ServedDisk(`/lab/served${created}`, resources);
    await disk.#make(type, [log, habit, String(writeMs)]);
    return new ServedDisk(disk.#directory, resources.move());
  }

  async #make(type: LabFileSystemType, serverArgs: readonly string[]): Promise<void> {
    const served = join(this.#directory, 'served');
    await mkdir(served, { recursive: true });
    await mkdir(this.mountPoint);
    this.#resources.defer(() => rm(this.#directory, { recursive: true }));
    await using content = await open(this.imagePath, 'wx');
    await content.truncate(SIZE_MB[type] * 2 ** 20);
    await runCommand(`mkfs.${type}`, ['-q', ...MKFS_OPTIONS[type], this.imagePath]);
    const args = [served, this.imagePath, ...serverArgs];
    this.#resources.use(await DaemonProcess.start('fuse-image-server', args));
    this.#resources.defer(() => unmount(served));
    const device = await attachImage(join(served, 'image'));
    try {
      await mountDevices([device], type, this.mountPoint);
      this.#resources.defer(async () => {
        await thawAndUnmount(this.mountPoint);
        await untilDetached({ device, imagePath: join(served, 'image') });
      });
    } finally {
      // From now on the kernel detaches it when it is unmounted.
      await detachDevice(device);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources[Symbol.asyncDispose]();
  }
}
