import type { Blob } from '../snapshot/blob/blob.ts';
import { containerListing, listSnapshots } from '../snapshot/inventory/container.ts';
import { hasMetadata, type StoredSnapshot } from '../snapshot/inventory/stored-snapshot.ts';
import type { SnapshotAnswer } from '../snapshot/snapshot-types.ts';
import type { RunContext } from './context.ts';
import type { NamedTarget } from './provider.ts';

/** The service says what time it is in whole seconds, rounded down. */
const DATE_PRECISION_MS = 1_000;

/**
 * A premium page blob takes one snapshot every ten minutes. If the answer to a request was lost, the next try is refused
 * although the snapshot exists (`SnapshotOperationRateExceeded`). This finds such snapshots in the service's list and
 * names them, if the SAS may list; nothing proves that they show the common instant. To be called when nothing is frozen
 * any more.
 *
 * @returns the answers, those of found snapshots with their time, without a failure and without an acknowledgement
 */
export async function nameLostSnapshots(
  context: RunContext,
  targets: readonly NamedTarget[],
  answers: readonly SnapshotAnswer[],
  proxyFor: (url: string) => string | undefined,
): Promise<SnapshotAnswer[]> {
  return await Promise.all(
    answers.map(async (answer) => {
      const target = targets[answer.target];
      if (target?.blob === undefined || !isLost(answer)) {
        return answer;
      }
      const found = await lookFor(answer, target.blob, context.request.metadata, proxyFor);
      if (found === undefined) {
        return answer;
      }
      context.warn(
        `${target.name}: the answer to its request was lost; its snapshot ${found} was found in the service's list by its ${context.request.metadata.length === 0 ? 'time' : 'time and metadata'}. It probably belongs to this set; its time does not prove that it shows the common instant`,
      );
      // Without an acknowledgement the verdict does not count it as showing the instant: the service's date is in whole
      // seconds, and another tool may have taken the snapshot within the second before the request.
      return { ...answer, snapshot: found, failure: undefined, mayHaveOrphan: false };
    }),
  );
}

/** Whether an earlier try of the request has probably made the snapshot because of which the last one was refused. */
function isLost({ snapshot, failure, mayHaveOrphan }: SnapshotAnswer): boolean {
  return (
    snapshot === undefined &&
    mayHaveOrphan &&
    failure?.serviceCode === 'SnapshotOperationRateExceeded'
  );
}

async function lookFor(
  answer: SnapshotAnswer,
  blob: Blob,
  metadata: readonly (readonly [key: string, value: string])[],
  proxyFor: (url: string) => string | undefined,
): Promise<string | undefined> {
  const listing = containerListing(blob);
  const span = spanOf(answer);
  if (listing === undefined || span === undefined) {
    return undefined;
  }
  try {
    const stored = await listSnapshots(listing.url, proxyFor(blob.url), listing.blob);
    return ownSnapshot(
      stored.filter((it) => it.blob === listing.blob),
      metadata,
      span,
    );
  } catch {
    // The SAS may not list after all; the failure of the request is reported as it is.
    return undefined;
  }
}

/** A span of time by the clock of the service. */
export interface ServerSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * The only snapshot that the request can have made: with its metadata, and of its time. Undefined if there is none, or
 * more than one. Pure.
 */
export function ownSnapshot(
  stored: readonly Pick<StoredSnapshot, 'snapshot' | 'metadata'>[],
  metadata: readonly (readonly [key: string, value: string])[],
  { fromMs, toMs }: ServerSpan,
): string | undefined {
  const own = stored.filter((it) => {
    const atMs = Date.parse(it.snapshot);
    return hasMetadata(it.metadata, metadata) && atMs >= fromMs && atMs <= toMs;
  });
  return own.length === 1 ? own[0]?.snapshot : undefined;
}

/**
 * When the snapshot was made, by the clock of the service: after the request had left, and before the service refused
 * another one. A snapshot from before that shows another instant, so the clock of this machine does not decide. Undefined
 * if the refusal has no date. Pure.
 */
export function spanOf({
  firedNs,
  refusedAt,
}: Pick<SnapshotAnswer, 'firedNs' | 'refusedAt'>): ServerSpan | undefined {
  if (firedNs === undefined || refusedAt === undefined) {
    return undefined;
  }
  const { serverMs, receivedNs } = refusedAt;
  return {
    fromMs: serverMs - Number(receivedNs - firedNs) / 1e6,
    toMs: serverMs + DATE_PRECISION_MS,
  };
}
