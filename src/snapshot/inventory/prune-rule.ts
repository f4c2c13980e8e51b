import type { StoredSnapshot } from './stored-snapshot.ts';

/** Selects for each blob all snapshots but the newest `keep`, and of these only those older than `olderThanMs`. */
export interface PruneRule {
  readonly keep: number | undefined;
  readonly olderThanMs: number | undefined;
}

/**
 * Selects the snapshots to delete, oldest first. Pure. If the rule is empty, it selects none. A snapshot
 * whose time cannot be parsed is kept.
 *
 * @param candidates only the snapshots that the caller may delete; other snapshots of a blob do not count for `keep`
 */
export function toPrune<Snapshot extends StoredSnapshot>(
  candidates: readonly Snapshot[],
  { keep, olderThanMs }: PruneRule,
  now: Date,
): Snapshot[] {
  if (keep === undefined && olderThanMs === undefined) {
    return [];
  }
  const byBlob = Map.groupBy(candidates, ({ url }) => url);
  return [...byBlob.values()]
    .flatMap((ofBlob) => newestFirst(ofBlob).slice(keep ?? 0))
    .filter(({ snapshot }) => isOlder(snapshot, olderThanMs ?? 0, now))
    .sort((a, b) => Date.parse(a.snapshot) - Date.parse(b.snapshot));
}

function newestFirst<Snapshot extends StoredSnapshot>(snapshots: readonly Snapshot[]): Snapshot[] {
  return snapshots.toSorted((a, b) => Date.parse(b.snapshot) - Date.parse(a.snapshot));
}

function isOlder(snapshot: string, limitMs: number, now: Date): boolean {
  const ageMs = now.getTime() - Date.parse(snapshot);
  return ageMs > limitMs;
}

const UNITS_MS: Readonly<Record<string, number>> = {
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};

/** Parses `30d`, `12h`, `4w`, `90m`; undefined for anything else. */
export function ageMsOf(text: string): number | undefined {
  const match = /^(\d{1,6})([mhdw])$/.exec(text);
  const unit = UNITS_MS[match?.[2] ?? ''];
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit;
}
