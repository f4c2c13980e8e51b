import { mkdir, open, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { FlashfreezeError } from '../errors.ts';
import type { LabDevice } from './disks.ts';
import { attachImage, detachDevice, partition } from './loop-devices.ts';
import { isInsideLab } from './namespace.ts';

let created = 0;

/**
 * Disks with a partition table, by which their blobs are known, and nothing that is mounted: who writes to them writes
 * raw data. On loop devices whose images lie on the lab's tmpfs; inside the lab only.
 */
export class RawDisks implements AsyncDisposable {
  readonly #directory: string;
  readonly disks: LabDevice[] = [];

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async create(count: number, sizeBytes: number): Promise<RawDisks> {
    if (!isInsideLab()) {
      throw new FlashfreezeError('FF_LAB_UNAVAILABLE', 'Disks are made inside the lab only.');
    }
    created += 1;
    const directory = `/lab/raw${created}`;
    await mkdir(directory);
    const made = new RawDisks(directory);
    try {
      for (let index = 0; index < count; index += 1) {
        await made.#add(join(directory, `raw${index}.img`), sizeBytes);
      }
      return made;
    } catch (error) {
      await made[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #add(imagePath: string, sizeBytes: number): Promise<void> {
    await using image = await open(imagePath, 'wx');
    await image.truncate(sizeBytes);
    const device = await attachImage(imagePath);
    this.disks.push({ device, deviceName: basename(device), imagePath, sizeBytes });
    await partition(device, imagePath);
  }

  /** A device that is still open is detached when it is closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const { device } of this.disks.splice(0)) {
      await detachDevice(device);
    }
    await rm(this.#directory, { recursive: true, force: true });
  }
}
