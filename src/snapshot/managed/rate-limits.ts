import { headerText, type RawAnswer } from '../http/attempt.ts';

/** How many requests of a kind are left, as an answer has said it. */
export interface Left {
  readonly count: number;
  /** CLOCK_MONOTONIC; when the answer came. */
  readonly atNs: bigint;
}

/** What answers of the resource manager say of its limits; plain data, because it crosses threads. */
export interface RatesLeft {
  readonly reads?: Left;
  readonly writes?: Left;
  /** The scarcest limit of the compute service on snapshots. */
  readonly snapshots?: Left & { readonly policy: string };
}

const PREFIX = 'x-ms-ratelimit-remaining';

/**
 * What an answer says: an answer to a read says how many reads are left, one to a write how many writes. The limits of the
 * identity and of the whole subscription both count. Pure.
 */
export function ratesIn({
  headers,
  receivedNs: atNs,
}: Pick<RawAnswer, 'headers' | 'receivedNs'>): RatesLeft {
  const leftOf = (kind: string): number | undefined => {
    const counts = ['subscription', 'subscription-global'].flatMap((scope) => {
      const text = headerText(headers, `${PREFIX}-${scope}-${kind}`) ?? '';
      return /^\d{1,9}$/.test(text) ? [Number(text)] : [];
    });
    return counts.length === 0 ? undefined : Math.min(...counts);
  };
  const reads = leftOf('reads');
  const writes = leftOf('writes');
  const snapshots = snapshotPolicy(headerText(headers, `${PREFIX}-resource`) ?? '');
  return {
    ...(reads !== undefined && { reads: { count: reads, atNs } }),
    ...(writes !== undefined && { writes: { count: writes, atNs } }),
    ...(snapshots !== undefined && { snapshots: { ...snapshots, atNs } }),
  };
}

/** Such as `Microsoft.Compute/HighCostSnapshotCreateHydrate3Min;239,Microsoft.Compute/…30Min;1918`. */
function snapshotPolicy(text: string): { policy: string; count: number } | undefined {
  return text
    .split(',')
    .flatMap((part) => {
      const [, policy = '', count] =
        /^\s*Microsoft\.Compute\/(\w{1,80});(\d{1,9})\s*$/i.exec(part) ?? [];
      return /SnapshotCreate/i.test(policy) ? [{ policy, count: Number(count) }] : [];
    })
    .sort((a, b) => a.count - b.count)[0];
}

/** What comes back each second, as Azure documents it. */
const REFILL = { reads: 25, writes: 10 } as const;
/** Two questions about its operation and one about its snapshot. */
const READS_A_DISK = 3;

export interface RateVerdict {
  /** Why the requests for the snapshots would be refused, with the time to try again; undefined if nothing shows that. */
  readonly problem: string | undefined;
  readonly warning: string | undefined;
}

/** Judges what the connections of a run have been told, right before the freeze. Pure. */
export function judgeRates(told: readonly RatesLeft[], disks: number, nowNs: bigint): RateVerdict {
  const reads = least(
    told.map((it) => it.reads),
    REFILL.reads,
    nowNs,
  );
  const needed = READS_A_DISK * disks;
  return {
    problem: writesProblem(told, disks, nowNs) ?? snapshotsProblem(told, disks),
    warning:
      reads === undefined || reads >= needed
        ? undefined
        : `the resource manager permits this identity only ${reads} more reads now, and ${disks} disks need about ${needed} (${REFILL.reads} come back each second): questions about the snapshots may be refused for a while, which holds the writers longer. Something else uses the subscription's limit`,
  };
}

function writesProblem(
  told: readonly RatesLeft[],
  disks: number,
  nowNs: bigint,
): string | undefined {
  const left = least(
    told.map((it) => it.writes),
    REFILL.writes,
    nowNs,
  );
  return left === undefined || left >= disks
    ? undefined
    : `the resource manager permits this identity only ${left} more writes now, but ${disks} snapshots need ${disks}: try again in ${Math.ceil((disks - left) / REFILL.writes)} s`;
}

/** How its policies refill is not documented; they are named after the time that they count over. */
function snapshotsProblem(told: readonly RatesLeft[], disks: number): string | undefined {
  const [scarcest] = told
    .flatMap(({ snapshots }) => snapshots ?? [])
    .sort((a, b) => a.count - b.count);
  if (scarcest === undefined || scarcest.count >= disks) {
    return undefined;
  }
  const minutes = /(\d+)Min$/i.exec(scarcest.policy)?.[1];
  return `the compute service permits only ${scarcest.count} more snapshots now (${scarcest.policy}), but ${disks} are needed: try again ${minutes === undefined ? 'later' : `in ${minutes} minutes`}`;
}

/** The least count of all, each with what has come back since it was told. */
function least(
  told: readonly (Left | undefined)[],
  perSecond: number,
  nowNs: bigint,
): number | undefined {
  const counts = told.flatMap((it) =>
    it === undefined ? [] : [it.count + (Number(nowNs - it.atNs) / 1e9) * perSecond],
  );
  return counts.length === 0 ? undefined : Math.floor(Math.min(...counts));
}
