import { dirname } from 'node:path/posix';
import type { Mount } from '../system/mountinfo.ts';

/**
 * Answers which mount a path leads to, as the kernel's path walk does: at each step the topmost of
 * what is mounted there. So a mount below another one at the same point, or below one further up,
 * is found to be hidden: its descriptor cannot be had by name.
 *
 * Linear: each path is walked once, each mount climbed once.
 */
export class MountTree {
  readonly #children = new Map<string, Mount>();
  /** Mounts whose parent is not listed: the root, and what a skipped line or a chroot has cut off. */
  readonly #parentless = new Map<string, Mount>();
  readonly #walked = new Map<string, Mount | undefined>();

  constructor(mounts: readonly Mount[]) {
    const ids = new Set(mounts.map(({ id }) => id));
    for (const mount of mounts) {
      if (ids.has(mount.parentId) && mount.parentId !== mount.id) {
        this.#children.set(childKey(mount.parentId, mount.mountPoint), mount);
      } else {
        this.#parentless.set(mount.mountPoint, mount);
      }
    }
  }

  /**
   * The mount that shows what is at an absolute path; undefined if no root is listed, and for any other text: the kernel's texts
   * are not always paths (the backing file of a loop device that is being detached is empty).
   */
  mountAt(path: string): Mount | undefined {
    if (!path.startsWith('/')) {
      return undefined;
    }
    if (this.#walked.has(path)) {
      return this.#walked.get(path);
    }
    const found = this.#climb(path === '/' ? undefined : this.mountAt(dirname(path)), path);
    this.#walked.set(path, found);
    return found;
  }

  /** Whether its mount point leads to it. The kernel marks a mount point that was removed with `//deleted`. */
  isVisible(mount: Mount): boolean {
    return !mount.mountPoint.endsWith('//deleted') && this.mountAt(mount.mountPoint) === mount;
  }

  /** From the mount a directory lies in up through what is stacked on that directory. */
  #climb(from: Mount | undefined, path: string): Mount | undefined {
    // No mount can be its own ancestor, but a list put together wrongly could say so.
    const climbed = new Set<Mount>();
    let current = from;
    let next = this.#childAt(from, path) ?? this.#parentless.get(path);
    while (next !== undefined && !climbed.has(next)) {
      climbed.add(next);
      current = next;
      next = this.#childAt(next, path);
    }
    return current;
  }

  #childAt(parent: Mount | undefined, path: string): Mount | undefined {
    return parent && this.#children.get(childKey(parent.id, path));
  }
}

function childKey(parentId: number, mountPoint: string): string {
  return `${parentId} ${mountPoint}`;
}
