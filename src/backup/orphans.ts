import { deleteSnapshot } from '../snapshot/blob/delete-snapshot.ts';
import type { SnapshotAnswer } from '../snapshot/snapshot-types.ts';
import { reasonOf } from '../system/errno.ts';
import type { NamedTarget } from './provider.ts';
import type { Orphan } from './record.ts';
import type { WindowRun, WindowRuns } from './window-run.ts';

/** A useless snapshot, with the index of its target. */
export interface UselessSnapshot {
  readonly target: number;
  readonly snapshot: string;
}

/**
 * The snapshots of a run that show no common instant: those of broken windows, and those of a run that never froze
 * everything or was interrupted; and those that another try of a request made besides the one that counts. If only some
 * disks failed, the snapshots of the others are kept, and the report lists them disk by disk.
 */
export function uselessSnapshots({ last, earlier }: WindowRuns): UselessSnapshot[] {
  const useless = isWorthless(last) ? [...earlier, last] : earlier;
  return [
    ...useless.flatMap(({ answers }) => answers.flatMap(snapshotIn)),
    ...[...earlier, last].flatMap(({ answers }) => answers.flatMap(surplusIn)),
  ];
}

export function isWorthless({ barrier, end }: WindowRun): boolean {
  return barrier === undefined || end.kind === 'signal';
}

function snapshotIn({ target, snapshot }: SnapshotAnswer): UselessSnapshot[] {
  return snapshot === undefined ? [] : [{ target, snapshot }];
}

function surplusIn({ target, surplus = [] }: SnapshotAnswer): UselessSnapshot[] {
  return surplus.map((snapshot) => ({ target, snapshot }));
}

/** A sentence for each request of an attempt that was broken off whose answer was lost: its snapshot has no known name. */
export function lostInBrokenAttempts(
  { earlier }: Pick<WindowRuns, 'earlier'>,
  targets: readonly NamedTarget[],
): string[] {
  return earlier.flatMap(({ answers }) =>
    answers
      .filter(({ mayHaveOrphan }) => mayHaveOrphan)
      .map(
        ({ target }) =>
          `${targets[target]?.name}: the answer to a request of an attempt that was broken off was lost; a snapshot that belongs to no set may exist`,
      ),
  );
}

/**
 * Deletes useless snapshots, if the SAS or the identity permits it; to be called when nothing is frozen any more. Never
 * rejects: what cannot be deleted is named.
 */
export async function deleteOrphans(
  useless: readonly UselessSnapshot[],
  targets: readonly NamedTarget[],
  proxyFor: (url: string) => string | undefined,
): Promise<Orphan[]> {
  return await Promise.all(
    useless.map(async ({ target, snapshot }) => {
      const { name = '' } = targets[target] ?? {};
      const deleted = deleteOne(targets[target], snapshot, proxyFor);
      return { blob: name, snapshot, keptBecause: await deleted.catch(reasonOf) };
    }),
  );
}

/** @returns why it is kept; undefined if it is deleted */
async function deleteOne(
  { blob, deleteSnapshot: deleteManaged }: Partial<NamedTarget> = {},
  snapshot: string,
  proxyFor: (url: string) => string | undefined,
): Promise<string | undefined> {
  return blob === undefined
    ? await (deleteManaged?.(snapshot) ?? 'flashfreeze did not request it itself')
    : await deleteSnapshot(blob.url, snapshot, proxyFor(blob.url));
}
