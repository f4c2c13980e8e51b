import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { errnoName, loadAddon } from '../system/native.ts';

/** A local mount point answers within microseconds, or within a second if memory or disk bandwidth is short. */
export const OPEN_LIMIT_MS = 3_000;

/** Node has no name for it. */
const ESHUTDOWN = 108;

/** The result of opening a mount point. */
export type MountOpening =
  /** `path` is for `Freezer.open`; it is valid until the openings are disposed of. */
  | { readonly kind: 'opened'; readonly path: string; readonly descriptor: number }
  /** A file system on its path, or the mount point itself, does not answer. */
  | { readonly kind: 'no-answer' }
  /** The path leads there, but the file system answers every call with EIO: the kernel has shut it down. */
  | { readonly kind: 'dead' }
  | { readonly kind: 'failed'; readonly errno: string };

/** The opened mount points, each under the path that was given. */
export class MountOpenings implements Disposable {
  readonly #all: ReadonlyMap<string, MountOpening>;

  private constructor(all: ReadonlyMap<string, MountOpening>) {
    this.#all = all;
  }

  /**
   * Opens mount points in processes of their own, because a path may lead through a FUSE or network mount that does
   * not answer: such an open never returns, and not even SIGKILL ends it. Resolves within twice the limit.
   *
   * @throws FlashfreezeError FF_ADDON_MISSING
   */
  static async open(
    mountPoints: readonly string[],
    limitMs: number = OPEN_LIMIT_MS,
  ): Promise<MountOpenings> {
    const paths = [...new Set(mountPoints)];
    const { promise, resolve } = Promise.withResolvers<ReadonlyMap<string, MountOpening>>();
    const limitNs = BigInt(limitMs) * 1_000_000n;
    loadAddon().openMountPoints(paths, limitNs, (descriptors, errors) => {
      resolve(new Map(paths.map((path, i) => [path, openingOf(descriptors[i], errors[i])])));
    });
    return new MountOpenings(await promise);
  }

  of(mountPoint: string): MountOpening {
    return this.#all.get(mountPoint) ?? { kind: 'failed', errno: 'ENOENT' };
  }

  /** The path for `Freezer.open`: of the open descriptor, or as given if the mount point could not be opened. */
  pathOf(mountPoint: string): string {
    const opening = this.of(mountPoint);
    return opening.kind === 'opened' ? opening.path : mountPoint;
  }

  [Symbol.dispose](): void {
    for (const opening of this.#all.values()) {
      if (opening.kind === 'opened') {
        closeSync(opening.descriptor);
      }
    }
  }
}

function openingOf(descriptor = -1, error = constants.errno.EIO): MountOpening {
  if (descriptor >= 0) {
    return { kind: 'opened', path: `/proc/self/fd/${descriptor}`, descriptor };
  }
  switch (error) {
    case constants.errno.ETIMEDOUT:
      return { kind: 'no-answer' };
    case ESHUTDOWN:
      return { kind: 'dead' };
    default:
      return { kind: 'failed', errno: errnoName(error) };
  }
}
