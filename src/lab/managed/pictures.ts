import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageCopier } from '../blob-server/image-copy.ts';
import type { CloudDisk } from './cloud.ts';

/** What a disk held at one moment. */
export interface Picture {
  readonly imagePath: string | undefined;
  /** CLOCK_MONOTONIC around the copying. */
  readonly copyStartNs: bigint;
  readonly copyEndNs: bigint;
}

/** Takes pictures of disks: copies of their images. */
export class Pictures {
  readonly #directory: string;
  readonly #copier: ImageCopier | undefined;
  #count = 0;

  /** @param copier undefined: pictures have no content */
  constructor(directory: string, copier: ImageCopier | undefined) {
    this.#directory = directory;
    this.#copier = copier;
  }

  /**
   * The picture is that of one instant only if the disk holds still from the start of the copying to its end; so no
   * operation ends before its copy has, and a client that thaws earlier gets a torn one.
   */
  async take({ spec }: Pick<CloudDisk, 'spec'>): Promise<Picture> {
    this.#count += 1;
    const copier = spec.imagePath === undefined ? undefined : this.#copier;
    const imagePath =
      copier === undefined ? undefined : join(this.#directory, `${this.#count}-${spec.name}.img`);
    const copyStartNs = process.hrtime.bigint();
    if (imagePath !== undefined) {
      await copier?.copy(spec.imagePath ?? '', imagePath);
    }
    return { imagePath, copyStartNs, copyEndNs: process.hrtime.bigint() };
  }

  async remove(picture: Picture | undefined): Promise<void> {
    if (picture?.imagePath !== undefined) {
      await rm(picture.imagePath, { force: true });
    }
  }
}
