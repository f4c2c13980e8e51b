import { FlashfreezeError } from '../../errors.ts';
import { Freezer } from '../../freezer/freezer.ts';
import { MountOpenings } from '../../freezer/open-mounts.ts';
import type { JournaledFileSystem } from './journal.ts';

/** A FITHAW that takes longer waits for a file system underneath that is frozen too. */
const THAW_LIMIT_MS = 10_000;

export interface Thawed {
  readonly mountPoint: string;
  /** `not-frozen`: it was not frozen; `gone`: something else, or nothing, is mounted there now. */
  readonly state: 'thawed' | 'not-frozen' | 'gone' | 'failed';
  /** Why it failed. */
  readonly reason: string | undefined;
}

/**
 * Thaws file systems whoever has frozen them, all at once. For what an operator orders and for what a
 * dead run of ours left; a running backup of another tool loses its freeze by it.
 *
 * @param fileSystems thawed only where the mount point still shows this device; any device where it
 * is undefined
 */
export async function forceThaw(
  fileSystems: readonly (Omit<JournaledFileSystem, 'device'> & { readonly device?: string })[],
): Promise<Thawed[]> {
  return await Promise.all(fileSystems.map(thawOne));
}

async function thawOne({
  mountPoint,
  device,
}: {
  readonly mountPoint: string;
  readonly device?: string;
}): Promise<Thawed> {
  const { promise, resolve } = Promise.withResolvers<Thawed>();
  const end = (state: Thawed['state'], reason?: string): void =>
    resolve({ mountPoint, state, reason });
  const timer = setTimeout(
    () =>
      end('failed', `no end after ${THAW_LIMIT_MS / 1_000} s; a file system under it is frozen`),
    THAW_LIMIT_MS,
  );
  try {
    using openings = await MountOpenings.open([mountPoint]);
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
