import type { Blob } from '../snapshot/blob/blob.ts';
import type { MetadataPair } from '../snapshot/blob/metadata.ts';
import { REQUEST_MARK } from '../snapshot/blob/snapshot-metadata.ts';
import { containerListing, listSnapshots } from '../snapshot/inventory/container.ts';
import { hasMetadata, type StoredSnapshot } from '../snapshot/inventory/stored-snapshot.ts';
import type { SnapshotAnswer } from '../snapshot/snapshot-types.ts';
import type { RunContext } from './context.ts';
import type { NamedTarget } from './provider.ts';
import type { BackupRequest } from './request.ts';

/** The service says what time it is in whole seconds, rounded down. */
const DATE_PRECISION_MS = 1_000;

/**
 * A premium page blob takes one snapshot every ten minutes. If the answer to a request was lost, the next try is refused
 * although the snapshot exists (`SnapshotOperationRateExceeded`). This finds such snapshots in the service's list, if the
 * SAS may list. A snapshot with the request's own mark was made by it, after it had left. If by the clock of the service
 * it is no younger than the refusal, the refusal is its acknowledgement; an older snapshot may have caused that refusal, and the
 * service may have carried out the lost request after the thaw. Without a mark it is only named: it may be another tool's, and what is
 * recorded as a snapshot of this run is deleted with it one day. To be called when nothing is frozen any more.
 *
 * @returns the answers, those of found snapshots with a mark with their time and without a failure
 */
export async function findLostSnapshots(
  context: Pick<RunContext, 'warn'> & { readonly request: Pick<BackupRequest, 'metadata'> },
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
      const { metadata } = context.request;
      const stored = await snapshotsOf(target.blob, proxyFor);
      const found = ownSnapshot(stored, answer, metadata);
      if (found === undefined) {
        return answer;
      }
      context.warn(warningOf(target.name, found, answer, metadata.length > 0));
      return withSnapshot(answer, found);
    }),
  );
}

function warningOf(
  name: string,
  found: string,
  answer: SnapshotAnswer,
  hasMetadata: boolean,
): string {
  if (answer.mark === undefined) {
    return `${name}: the answer to its request was lost; the service lists one snapshot of that time${hasMetadata ? ' with its metadata' : ''}, ${found}. Nothing proves that it is not another tool's, so it does not belong to this set; delete it if no tool knows it`;
  }
  const start = `${name}: the answer to its request was lost; its snapshot ${found} was found in the service's list by`;
  return wasMadeBeforeRefusal(answer, found)
    ? `${start} the mark of the request, and belongs to this set`
    : `${start} the mark of the request. It was made after another try had been refused, perhaps after the thaw: it does not show the common instant`;
}

/**
 * Only a snapshot with a mark is the request's own, and only a proven one is acknowledged: the verdict counts no other one as showing the
 * instant. Pure.
 */
export function withSnapshot(answer: SnapshotAnswer, snapshot: string): SnapshotAnswer {
  if (answer.mark === undefined) {
    return answer;
  }
  const isProven = wasMadeBeforeRefusal(answer, snapshot);
  return {
    ...answer,
    snapshot,
    failure: undefined,
    mayHaveOrphan: false,
    acknowledgedNs: isProven ? answer.refusedAt?.receivedNs : undefined,
  };
}

/** By the clock of the service. */
function wasMadeBeforeRefusal(
  { refusedAt }: Pick<SnapshotAnswer, 'refusedAt'>,
  snapshot: string,
): boolean {
  const serverMs = refusedAt?.serverMs;
  return serverMs !== undefined && Date.parse(snapshot) <= serverMs + DATE_PRECISION_MS;
}

/** Whether an earlier try of the request has probably made the snapshot because of which the last one was refused. */
function isLost({ snapshot, failure, mayHaveOrphan }: SnapshotAnswer): boolean {
  return (
    snapshot === undefined &&
    mayHaveOrphan &&
    failure?.serviceCode === 'SnapshotOperationRateExceeded'
  );
}

/** Empty if the SAS may not list: the failure of the request is then reported as it is. */
async function snapshotsOf(
  blob: Blob,
  proxyFor: (url: string) => string | undefined,
): Promise<StoredSnapshot[]> {
  const listing = containerListing(blob);
  if (listing === undefined) {
    return [];
  }
  try {
    const stored = await listSnapshots(listing.url, proxyFor(blob.url), listing.blob);
    return stored.filter((it) => it.blob === listing.blob);
  } catch {
    return [];
  }
}

/** A span of time by the clock of the service. */
export interface ServerSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * The only snapshot that the request can have made: the one with its mark; if it has none, the one of its time with its
 * metadata, if any, which another tool can have made too. Undefined if there is none, or more than one. Pure.
 */
export function ownSnapshot(
  stored: readonly Pick<StoredSnapshot, 'snapshot' | 'metadata'>[],
  answer: Pick<SnapshotAnswer, 'mark' | 'firedNs' | 'refusedAt'>,
  metadata: readonly MetadataPair[],
): string | undefined {
  const { mark } = answer;
  const span = spanOf(answer);
  const own = stored.filter((it) =>
    mark === undefined
      ? hasMetadata(it.metadata, metadata) && isWithin(it.snapshot, span)
      : hasMetadata(it.metadata, [[REQUEST_MARK, mark]]),
  );
  return own.length === 1 ? own[0]?.snapshot : undefined;
}

function isWithin(time: string, span: ServerSpan | undefined): boolean {
  const atMs = Date.parse(time);
  return span !== undefined && atMs >= span.fromMs && atMs <= span.toMs;
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
  if (firedNs === undefined || refusedAt?.serverMs === undefined) {
    return undefined;
  }
  const { serverMs, receivedNs } = refusedAt;
  return {
    fromMs: serverMs - Number(receivedNs - firedNs) / 1e6,
    toMs: serverMs + DATE_PRECISION_MS,
  };
}
