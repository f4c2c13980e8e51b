import { inParallel } from '../system/in-parallel.ts';
import type { PointStore } from './prune-stores.ts';
import type { RestorePoint, SnapshotPlace } from './restore-point.ts';

/** Deletions of one restore point at the same time. */
const AT_ONCE = 8;
/** After so many restore points in a row of which nothing could be deleted, no other is tried. */
const FAILURES_IN_A_ROW = 3;

/** What became of a restore point that was to be removed. */
export interface Removal {
  readonly point: RestorePoint;
  readonly deleted: number;
  /** Sentences; empty if it is gone. */
  readonly errors: readonly string[];
}

/**
 * Removes restore points one after the other, each as a whole and its manifest last: if an error comes in between, the rest of
 * it is listed as incomplete. If its first snapshot cannot be deleted, it stays whole. Do not call it while anything is frozen.
 *
 * @param points in the order of deletion
 * @param progress called with the number of snapshots deleted so far
 * @returns one for each point
 */
export async function removePoints(
  points: readonly RestorePoint[],
  store: PointStore,
  progress: (deleted: number) => void = () => {},
): Promise<Removal[]> {
  const removals: Removal[] = [];
  let failures = 0;
  let before = 0;
  for (const point of points) {
    const removal =
      failures < FAILURES_IN_A_ROW
        ? await removePoint(point, store, (deleted) => progress(before + deleted))
        : { point, deleted: 0, errors: ['not tried after the errors before'] };
    failures = removal.errors.length > 0 && removal.deleted === 0 ? failures + 1 : 0;
    before += removal.deleted;
    removals.push(removal);
  }
  return removals;
}

async function removePoint(
  point: RestorePoint,
  store: PointStore,
  progress: (deleted: number) => void,
): Promise<Removal> {
  const [first, ...others] = [...point.surplus, ...point.members].map(({ place }) => place);
  const errors: string[] = [];
  let deleted = 0;
  const remove = async (place: SnapshotPlace): Promise<void> => {
    const reason = await store.deleteSnapshot(place);
    if (reason === undefined) {
      deleted += 1;
      progress(deleted);
    } else {
      errors.push(`${nameOf(place)}: ${reason}`);
    }
  };
  if (first !== undefined) {
    await remove(first);
  }
  if (errors.length > 0) {
    return { point, deleted, errors };
  }
  await inParallel(others, AT_ONCE, remove);
  if (errors.length > 0) {
    return { point, deleted, errors };
  }
  const reason = await store.deleteManifest(point);
  return { point, deleted, errors: reason === undefined ? [] : [`its manifest: ${reason}`] };
}

function nameOf(place: SnapshotPlace): string {
  return place.kind === 'blob' ? `${place.url} ${place.snapshot}` : place.id;
}
