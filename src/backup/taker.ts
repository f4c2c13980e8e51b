import { withoutQuery } from '../snapshot/blob/blob-url.ts';
import { BlobLanes } from '../snapshot/blob/lanes.ts';
import { HostTaker } from '../snapshot/host/host-taker.ts';
import type { SnapshotEvent, SnapshotTaker } from '../snapshot/model.ts';
import type { Relay } from './relay.ts';
import type { BackupRequest } from './request.ts';

/** Who takes the snapshots of a run. */
export type TakenBy = 'guest' | 'host';

export function takenBy({ taker }: Pick<BackupRequest, 'taker'>): TakenBy {
  return taker?.kind ?? 'guest';
}

/**
 * What the targets are called, in their order: the blobs without their queries, or the host service.
 */
export function targetNames({ taker, blobs }: BackupRequest): string[] {
  return taker?.kind === 'host'
    ? [`the host service at ${taker.client.origin}`]
    : blobs.map(({ url }) => withoutQuery(url));
}

/**
 * Opens what takes the snapshots; connects nothing yet.
 *
 * @throws FlashfreezeError for blobs to which no request can be made
 */
export async function openTaker(
  request: BackupRequest,
  relay: Relay<SnapshotEvent>,
): Promise<SnapshotTaker> {
  const onEvent = (event: SnapshotEvent): void => relay.tell(event);
  const { taker } = request;
  if (taker?.kind === 'host') {
    return new HostTaker(taker.client, taker.call, { onEvent });
  }
  const targets = request.blobs.map(({ url }, index) => ({
    url,
    metadata: request.metadata,
    clientRequestId: `${request.taskId}/${index}`,
  }));
  return await BlobLanes.open(targets, {
    ...(request.lanes === undefined ? {} : { lanes: request.lanes }),
    encrypted: request.encrypted ?? false,
    onEvent,
  });
}
