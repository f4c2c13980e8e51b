import { FlashfreezeError } from '../../errors.ts';
import { Freezer } from '../../freezer/freezer.ts';
import { MountOpenings } from '../../freezer/open-mounts.ts';
import type { JournaledFileSystem } from './journal.ts';

/** A FITHAW that takes longer waits for another frozen file system under this one. */
const THAW_LIMIT_MS = 10_000;

export interface Thawed {
  readonly mountPoint: string;
  /** `not-frozen`: it was not frozen; `gone`: another file system, or none, is mounted there now. */
  readonly state: 'thawed' | 'not-frozen' | 'gone' | 'failed';
  /** Why it failed. */
  readonly reason: string | undefined;
}

/**
 * Thaws all given file systems at the same time, regardless of which tool froze them: for an order of the operator, and
 * for file systems that a dead run left frozen. A running backup of another tool loses its freeze.
 *
 * @param fileSystems a file system is thawed only if its mount point still shows `device`; if `device` is undefined,
 * whatever device it shows
 */
export async function forceThaw(
  fileSystems: readonly (Omit<JournaledFileSystem, 'device'> & { readonly device?: string })[],
): Promise<Thawed[]> {
  // All at once: a mount point that does not answer holds a thread of the pool until its limit.
  using openings = await MountOpenings.open(fileSystems.map(({ mountPoint }) => mountPoint));
  return await Promise.all(fileSystems.map((it) => thawOne(it, openings)));
}

async function thawOne(
  { mountPoint, device }: { readonly mountPoint: string; readonly device?: string },
  openings: MountOpenings,
): Promise<Thawed> {
  const { promise, resolve } = Promise.withResolvers<Thawed>();
  const end = (state: Thawed['state'], reason?: string): void =>
    resolve({ mountPoint, state, reason });
  const timer = setTimeout(
    () =>
      end(
        'failed',
        `the thaw did not finish within ${THAW_LIMIT_MS / 1_000} s; a file system under it is frozen`,
      ),
    THAW_LIMIT_MS,
  );
  try {
    if (openings.of(mountPoint).kind === 'no-answer') {
      return { mountPoint, state: 'failed', reason: 'its mount point does not answer' };
    }
    await using freezer = Freezer.open([openings.pathOf(mountPoint)], (event) => {
      if (event.kind === 'thawed') {
        end(event.wasFrozen ? 'thawed' : 'not-frozen');
      } else if (event.kind === 'thaw-failed') {
        end('failed', event.errno);
      }
    });
    if (device !== undefined && freezer.deviceNumbers[0] !== device) {
      end('gone');
    } else {
      freezer.forceThaw([0]);
    }
    return await promise;
  } catch (error) {
    if (error instanceof FlashfreezeError && error.code === 'FF_MOUNT_OPEN') {
      return { mountPoint, state: 'gone', reason: error.systemCall?.errno };
    }
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
