import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobSource } from '../azurite.ts';
import { LAB_DIRECTORY } from '../lab-paths.ts';
import { attachImage, detachDevice, mountDevices, thawAndUnmount } from '../loop-devices.ts';
import { runCommand } from '../run-command.ts';
import { guestImagePath, type ImageRecipe } from './guest-image.ts';

const SIZE_BYTES = 2 ** 30;
let made = 0;

/** A guest's root: a copy of the guest image on a loop device, mounted in the lab too. */
export class GuestDisk implements AsyncDisposable, BlobSource {
  readonly device: string;
  readonly imagePath: string;
  /** The guest's `/`, as the lab sees it. */
  readonly mountPoint: string;
  readonly sizeBytes = SIZE_BYTES;

  private constructor(device: string, imagePath: string, mountPoint: string) {
    this.device = device;
    this.imagePath = imagePath;
    this.mountPoint = mountPoint;
  }

  /** Inside the lab only. */
  static async create(recipe: ImageRecipe): Promise<GuestDisk> {
    made += 1;
    const directory = join(LAB_DIRECTORY, `guest${made}`);
    const mountPoint = join(directory, 'root');
    const imagePath = join(directory, 'root.img');
    await mkdir(mountPoint, { recursive: true });
    await runCommand('cp', ['--sparse=always', guestImagePath(recipe), imagePath]);
    // Blobs are matched to disks by UUID, and a lab may have several guests.
    await runCommand('tune2fs', ['-U', 'random', imagePath]);
    const device = await attachImage(imagePath);
    try {
      await mountDevices([device], 'ext4', mountPoint);
    } finally {
      await detachDevice(device);
    }
    return new GuestDisk(device, imagePath, mountPoint);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await thawAndUnmount(this.mountPoint);
  }
}
