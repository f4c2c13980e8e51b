import { machineProxy } from '../config/machine-proxy.ts';
import { withoutQuery } from '../snapshot/blob/blob-url.ts';
import { BlobLanes } from '../snapshot/blob/lanes.ts';
import { CommandTaker } from '../snapshot/command/command-taker.ts';
import type { SnapshotEvent, SnapshotTaker } from '../snapshot/model.ts';
import type { Relay } from './context.ts';
import type { BackupRequest } from './request.ts';

/** Who takes the snapshots of a run. */
export type TakenBy = 'guest' | 'host' | 'command';

export function takenBy({ taker }: Pick<BackupRequest, 'taker'>): TakenBy {
  return taker?.kind ?? 'guest';
}

/**
 * What the targets are called, in their order: the blobs without their queries, the host service, or
 * the command.
 */
export function targetNames({ taker, blobs }: BackupRequest): string[] {
  switch (taker?.kind) {
    case 'host':
      return [`the host service at ${taker.client.origin}`];
    case 'command':
      return [taker.name];
    default:
      return blobs.map(({ url }) => withoutQuery(url));
  }
}

/**
 * Opens what takes the snapshots; connects nothing yet. The host's one call, which everything waits for,
 * is rehearsed.
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
    // Only then: it brings an HTTP client along, which otherwise only the lanes' threads have.
    const { HostTaker } = await import('../snapshot/host/host-taker.ts');
    const { rehearseCall } = await import('../snapshot/host/warm-up.ts');
    await rehearseCall(taker.call);
    return new HostTaker(taker.client, taker.call, { onEvent });
  }
  if (taker?.kind === 'command') {
    return new CommandTaker(taker.command, { onEvent });
  }
  const targets = request.blobs.map(({ url }, index) => ({
    url,
    metadata: request.metadata,
    clientRequestId: `${request.taskId}/${index}`,
  }));
  return await BlobLanes.open(targets, {
    ...(request.lanes === undefined ? {} : { lanes: request.lanes }),
    encrypted: request.encrypted ?? false,
    proxyFor: machineProxy(),
    onEvent,
  });
}
