/** Which restore points stay. A rule that is undefined keeps nothing. */
export interface RetentionRule {
  readonly last?: number | undefined;
  readonly hourly?: number | undefined;
  readonly daily?: number | undefined;
  readonly weekly?: number | undefined;
  readonly monthly?: number | undefined;
  readonly yearly?: number | undefined;
  /** Everything that is not older than the newest by more than this stays. */
  readonly withinMs?: number | undefined;
  /** Everything that is younger than this stays; alone, it is the only rule. */
  readonly olderThanMs?: number | undefined;
}

export const BUCKETS = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;
export type Bucket = (typeof BUCKETS)[number];

/** The reasons why a restore point stays, e.g. `daily 2026-11-28`; empty if it does not. */
export type Reasons = readonly string[];

const DAY_MS = 86_400_000;

/** The part of a year, in UTC, that a time lies in. Weeks begin on Monday and are numbered as ISO 8601 does. */
const NAME_OF: Readonly<Record<Exclude<Bucket, 'last'>, (at: Date) => string>> = {
  hourly: (at) => `${at.toISOString().slice(0, 13)}h`,
  daily: (at) => at.toISOString().slice(0, 10),
  weekly: weekOf,
  monthly: (at) => at.toISOString().slice(0, 7),
  yearly: (at) => at.toISOString().slice(0, 4),
};

export function isEmptyRule({ withinMs, olderThanMs, ...counts }: RetentionRule): boolean {
  return (
    withinMs === undefined &&
    olderThanMs === undefined &&
    Object.values(counts).every((count) => count === undefined)
  );
}

/**
 * Why each of the restore points of one machine stays, in the manner of restic's `forget`: a count keeps the newest of each
 * of so many hours, days, … that have one; the oldest of all stays too if a count is not used up. In UTC. What
 * is in the future stays and does not count. Pure.
 *
 * @param times of the restore points, the newest first
 * @returns the reasons in the order of `times`; with an empty rule, everything stays
 */
export function reasonsToKeep(times: readonly Date[], rule: RetentionRule, now: Date): Reasons[] {
  if (isEmptyRule(rule)) {
    return times.map(() => ['no rule']);
  }
  const past = times.filter((at) => at <= now);
  const future = times.slice(0, times.length - past.length).map(() => ['in the future']);
  const byCount = BUCKETS.map((bucket) => keptBy(bucket, past, rule[bucket] ?? 0));
  const kept = past.map((at, index) => [
    ...byCount.flatMap((reasons) => reasons[index] ?? []),
    ...byAge(at, past[0] ?? at, rule, now),
  ]);
  return [...future, ...kept];
}

/** @param times the newest first */
function keptBy(bucket: Bucket, times: readonly Date[], count: number): (string | undefined)[] {
  let left = count;
  let latest: string | undefined;
  return times.map((at, index) => {
    const name = bucket === 'last' ? String(index + 1) : NAME_OF[bucket](at);
    const isNewest = name !== latest;
    const isOldest = index === times.length - 1;
    if (left === 0 || !(isNewest || isOldest)) {
      return undefined;
    }
    left -= 1;
    latest = name;
    return isNewest ? `${bucket} ${name}` : `oldest of ${bucket}`;
  });
}

function byAge(at: Date, newest: Date, rule: RetentionRule, now: Date): string[] {
  const { withinMs, olderThanMs } = rule;
  const isWithin = withinMs !== undefined && newest.getTime() - at.getTime() < withinMs;
  const isYoung = olderThanMs !== undefined && now.getTime() - at.getTime() <= olderThanMs;
  return [
    ...(isWithin ? [`within ${ageText(withinMs)}`] : []),
    ...(isYoung ? [`not older than ${ageText(olderThanMs)}`] : []),
  ];
}

/** Of ISO 8601, e.g. `2026-W48`: that of its Thursday's year. */
function weekOf(at: Date): string {
  const day = Math.floor(at.getTime() / DAY_MS);
  // 1970-01-01 was a Thursday.
  const thursday = day - ((day + 3) % 7) + 3;
  const year = new Date(thursday * DAY_MS).getUTCFullYear();
  const week = Math.floor((thursday - Date.UTC(year, 0, 1) / DAY_MS) / 7) + 1;
  return `${year}-W${String(week).padStart(2, '0')}`;
}

const UNITS = [
  ['w', 7 * DAY_MS],
  ['d', DAY_MS],
  ['h', 3_600_000],
] as const;

/**
 * Parses `30d`, `12h`, `4w`; undefined for anything else: `m` would be minutes here and months for restic, and an age of 0
 * would keep nothing.
 */
export function ageMsOf(text: string): number | undefined {
  const match = /^([1-9]\d{0,5})([hdw])$/.exec(text);
  const unit = UNITS.find(([letter]) => letter === match?.[2])?.[1];
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit;
}

/** In days if it is a whole number of them, otherwise in hours. */
function ageText(ms: number): string {
  return ms % DAY_MS === 0 ? `${ms / DAY_MS}d` : `${ms / 3_600_000}h`;
}
