import { deleteSnapshot } from '../snapshot/blob/delete-snapshot.ts';
import type { SnapshotAnswer } from '../snapshot/model.ts';
import type { Orphan } from './record.ts';
import type { Attempt, Attempts } from './window-run.ts';

/** A snapshot that is of no use, by the index of its target. */
export interface UselessSnapshot {
  readonly target: number;
  readonly snapshot: string;
}

/**
 * The snapshots of a run that show no common instant: those of broken attempts, and those of a run
 * that never froze everything or was interrupted. Where only some disks failed the others are kept;
 * they are named disk by disk.
 */
export function uselessSnapshots({ last, earlier }: Attempts): UselessSnapshot[] {
  const useless = isWorthless(last) ? [...earlier, last] : earlier;
  return useless.flatMap(({ answers }) => answers.flatMap(snapshotIn));
}

export function isWorthless({ barrier, end }: Attempt): boolean {
  return barrier === undefined || end.kind === 'signal';
}

function snapshotIn({ target, snapshot }: SnapshotAnswer): UselessSnapshot[] {
  return snapshot === undefined ? [] : [{ target, snapshot }];
}

/**
 * Deletes what is useless, where the SAS permits; nothing is frozen any more.
 *
 * @param targets SAS URL and name of each target; without URL where the host took the snapshot
 */
export async function deleteOrphans(
  useless: readonly UselessSnapshot[],
  targets: readonly { readonly url: string | undefined; readonly blob: string }[],
  proxyFor: (url: string) => string | undefined,
): Promise<Orphan[]> {
  return await Promise.all(
    useless.map(async ({ target, snapshot }) => {
      const { url, blob = '' } = targets[target] ?? {};
      const keptBecause =
        url === undefined
          ? 'it was not taken by a request of ours'
          : await deleteSnapshot(url, snapshot, proxyFor(url));
      return { blob, snapshot, keptBecause };
    }),
  );
}
