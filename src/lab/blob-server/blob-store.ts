import { fstatSync, openSync, type Stats, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CopiedBlobs } from './copied-blobs.ts';
import type { ImageCopier } from './image-copy.ts';
import type { BlobSpec, SnapshotLimits, SnapshotRecord } from './model.ts';
import { ServiceError } from './service-error.ts';
import type { ListedBlob } from './xml.ts';

/** Content and properties of a blob or of one of its snapshots, as GET and HEAD show them. */
export interface Content extends ListedBlob {
  /** Undefined if there are only zeroes (a snapshot without content). */
  readonly path: string | undefined;
}

export interface BlobStoreOptions {
  readonly blobs: readonly BlobSpec[];
  readonly limits: SnapshotLimits | undefined;
  readonly snapshotDirectory: string;
  /** Undefined: snapshots have no content. */
  readonly copier: ImageCopier | undefined;
}

interface Shelf {
  readonly spec: BlobSpec;
  readonly snapshots: SnapshotRecord[];
  lastTakenMs: number;
  /** Of the disk's image, once it was looked at. */
  descriptor?: number;
}

/** The page blobs, which are the lab's image files, and their snapshots. */
export class BlobStore {
  /** Made by Copy Blob. */
  readonly copies: CopiedBlobs;
  readonly #options: BlobStoreOptions;
  readonly #shelves: ReadonlyMap<string, Shelf>;
  #lastTicks = 0n;
  #imageCount = 0;

  constructor(options: BlobStoreOptions) {
    this.#options = options;
    this.copies = new CopiedBlobs(options.snapshotDirectory, async (from, to) => {
      await options.copier?.copy(from, to);
    });
    this.#shelves = new Map(
      options.blobs.map((spec) => [
        spec.name,
        { spec, snapshots: [], lastTakenMs: Number.NEGATIVE_INFINITY },
      ]),
    );
  }

  get blobNames(): readonly string[] {
    return [...this.#shelves.keys()];
  }

  has(blob: string): boolean {
    return this.#shelves.has(blob);
  }

  spec(blob: string): BlobSpec {
    return this.#shelf(blob).spec;
  }

  snapshots(blob: string): readonly SnapshotRecord[] {
    return this.#shelf(blob).snapshots;
  }

  async content(blob: string, snapshot: string | undefined): Promise<Content> {
    const shelf = this.#shelf(blob);
    const { spec, snapshots } = shelf;
    const record = snapshots.find((candidate) => candidate.snapshot === snapshot);
    if (snapshot !== undefined && record === undefined) {
      throw new ServiceError(404, 'BlobNotFound');
    }
    const path = record === undefined ? spec.imagePath : record.imagePath;
    const { size, mtimeMs } =
      path === undefined || record === undefined ? statDisk(shelf) : statSync(path);
    return {
      name: blob,
      snapshot,
      path,
      sizeBytes: size,
      etag: `"0x8D${Math.floor(mtimeMs * 1000)
        .toString(16)
        .toUpperCase()}"`,
      lastModified: new Date(mtimeMs),
      metadata: record?.metadata ?? spec.metadata ?? {},
    };
  }

  /** Blobs in order of name, the snapshots of each before it, as the service lists them. */
  async list(withSnapshots: boolean): Promise<Content[]> {
    const contents: Content[] = [];
    for (const blob of [...this.blobNames].sort()) {
      const snapshots = withSnapshots ? this.snapshots(blob) : [];
      for (const { snapshot } of snapshots) {
        contents.push(await this.content(blob, snapshot));
      }
      contents.push(await this.content(blob, undefined));
    }
    return contents;
  }

  /** Throws 409 if the blob's limits allow no snapshot now; counts the call where they do. */
  admitSnapshot(blob: string): void {
    const shelf = this.#shelf(blob);
    const limits = shelf.spec.limits ?? this.#options.limits;
    if (limits === undefined) {
      return;
    }
    const nowMs = performance.now();
    if (nowMs - shelf.lastTakenMs < limits.minimumIntervalMs) {
      throw new ServiceError(409, 'SnapshotOperationRateExceeded');
    }
    if (shelf.snapshots.length >= limits.maximumCount) {
      throw new ServiceError(409, 'SnapshotCountExceeded');
    }
    shelf.lastTakenMs = nowMs;
  }

  async takeSnapshot(
    blob: string,
    metadata: Readonly<Record<string, string>>,
  ): Promise<SnapshotRecord> {
    const { spec, snapshots } = this.#shelf(blob);
    const { copier, snapshotDirectory } = this.#options;
    this.#imageCount += 1;
    const imagePath =
      copier === undefined ? undefined : join(snapshotDirectory, `${this.#imageCount}.img`);
    const snapshot = this.#nextTimestamp();
    const copyStartNs = process.hrtime.bigint();
    if (imagePath !== undefined) {
      await copier?.copy(spec.imagePath, imagePath);
    }
    const record = {
      blob,
      snapshot,
      imagePath,
      metadata: Object.keys(metadata).length > 0 ? metadata : (spec.metadata ?? {}),
      copyStartNs,
      copyEndNs: process.hrtime.bigint(),
    };
    snapshots.push(record);
    return record;
  }

  async deleteSnapshot(blob: string, snapshot: string): Promise<void> {
    const { snapshots } = this.#shelf(blob);
    const index = snapshots.findIndex((record) => record.snapshot === snapshot);
    const [record] = index < 0 ? [] : snapshots.splice(index, 1);
    if (record === undefined) {
      throw new ServiceError(404, 'BlobNotFound');
    }
    if (record.imagePath !== undefined) {
      await rm(record.imagePath, { force: true });
    }
  }

  #shelf(blob: string): Shelf {
    const shelf = this.#shelves.get(blob);
    if (shelf === undefined) {
      throw new ServiceError(404, 'BlobNotFound');
    }
    return shelf;
  }

  /** Now in the service's seven decimals, later than every one before. */
  #nextTimestamp(): string {
    const nowTicks = BigInt(Date.now()) * 10_000n;
    this.#lastTicks = nowTicks > this.#lastTicks ? nowTicks : this.#lastTicks + 1n;
    const seconds = new Date(Number(this.#lastTicks / 10_000n)).toISOString().slice(0, 19);
    return `${seconds}.${String(this.#lastTicks % 10_000_000n).padStart(7, '0')}Z`;
  }
}

/**
 * Blocks for some µs; a thread of the pool would cost ten times as much, and so would it to find the
 * image by its path each time.
 */
function statDisk(shelf: Shelf): Stats {
  shelf.descriptor ??= openSync(shelf.spec.imagePath, 'r');
  return fstatSync(shelf.descriptor);
}
