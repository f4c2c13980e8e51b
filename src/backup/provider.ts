import { machineProxy } from '../config/machine-proxy.ts';
import type { Blob } from '../snapshot/blob/blob.ts';
import { BlobLanes } from '../snapshot/blob/lanes.ts';
import { CommandProvider } from '../snapshot/command/command-provider.ts';
import type { VmDisk } from '../snapshot/managed/instance-metadata.ts';
import type { TagsToAdd } from '../snapshot/managed/tag-snapshots.ts';
import type { Preflight, SnapshotEvent, SnapshotProvider } from '../snapshot/snapshot-types.ts';
import type { RunContext } from './context.ts';
import { preflightError } from './preflight.ts';
import type { BackupRequest, ManagedRequest, ProviderKind, RequestedProvider } from './request.ts';

/** The provider that takes the snapshots of a run, and its targets. */
export interface OpenProvider {
  readonly kind: ProviderKind;
  readonly snapshots: SnapshotProvider;
  /** One for each blob or managed disk, in order; a restore point, the host service and a command are a single one. */
  readonly targets: readonly NamedTarget[];
  /** Identifier that Azure gave the VM, if the provider knows it. */
  readonly vmId?: string | undefined;
  /** Adds tags to snapshots after the thaw; resolves with the reasons of those that it cannot. Missing if they have none. */
  readonly tagSnapshots?: (wanted: readonly TagsToAdd[]) => Promise<(string | undefined)[]>;
}

/** Something to take a snapshot of. */
export interface NamedTarget {
  /** URL of the blob without its query, id of the managed disk or restore point, or the name of the host service or command. */
  readonly name: string;
  /** Undefined if it is no blob. */
  readonly blob: Blob | undefined;
  /** Set if it is a managed disk. */
  readonly disk?: VmDisk;
  /** Set if one request takes the snapshots of all these managed disks. */
  readonly disks?: readonly VmDisk[];
  /** Deletes a snapshot of a managed disk after the thaw; resolves with the reason if it cannot. */
  readonly deleteSnapshot?: (snapshot: string) => Promise<string | undefined>;
}

/**
 * Opens the snapshot provider and hands it to the run. Connects to nothing yet, except that it asks the instance metadata
 * for managed disks.
 *
 * @throws FlashfreezeError for blobs to which requests cannot be sent, and as `openManagedDisks`
 */
export async function openProvider(context: RunContext): Promise<OpenProvider> {
  const { request, snapshotEvents } = context;
  const { provider } = request;
  const onEvent = (event: SnapshotEvent): void => snapshotEvents.tell(event);
  if (provider?.kind === 'managed') {
    // Loaded only here: other runs need none of it.
    const { openManagedDisks } = await import('./managed-provider.ts');
    const opened = await openManagedDisks(context, provider, onEvent);
    await context.own(opened.snapshots);
    return opened;
  }
  const kind = provider?.kind ?? 'guest';
  const snapshots = await context.own(await createProvider(request, provider, onEvent));
  return { kind, snapshots, targets: targetsOf(request) };
}

/**
 * Proves that every snapshot can be requested.
 *
 * @throws FlashfreezeError as `preflightError`
 */
export async function preflight(provider: OpenProvider): Promise<readonly Preflight[]> {
  const found = await provider.snapshots.preflight();
  throwIfFailed(provider, found);
  return found;
}

/**
 * Proves every connection anew, right before the freeze. A server or proxy that closes after every answer makes the
 * snapshot request connect while the file systems are frozen: that is a warning.
 *
 * @throws FlashfreezeError if a connection is lost and cannot be made again
 */
export async function rewarm(
  provider: OpenProvider,
  warn: (message: string) => void,
): Promise<void> {
  const found = await provider.snapshots.rewarm();
  throwIfFailed(provider, found);
  const cold = found.flatMap((it) =>
    it.ok && !it.warm ? (provider.targets[it.target]?.name ?? []) : [],
  );
  if (cold.length > 0) {
    warn(
      `the server or a proxy closes the connection after every answer, so ${cold.length} of ${found.length} snapshot requests connect during the freeze: ${cold.join(', ')}`,
    );
  }
}

function throwIfFailed(
  { kind, targets }: OpenProvider,
  checks: Parameters<typeof preflightError>[0],
): void {
  const names = targets.map(({ name }) => name);
  const error = preflightError(checks, names, kind);
  if (error !== undefined) {
    throw error;
  }
}

function targetsOf({ provider, blobs }: BackupRequest): NamedTarget[] {
  switch (provider?.kind) {
    case 'host':
      return [{ name: `the host service at ${provider.client.origin}`, blob: undefined }];
    case 'command':
      return [{ name: provider.name, blob: undefined }];
    default:
      return blobs.map((blob) => ({ name: blob.name, blob }));
  }
}

/** Also rehearses the call to the host service, because the whole window waits for it. */
async function createProvider(
  request: BackupRequest,
  provider: Exclude<RequestedProvider, ManagedRequest> | undefined,
  onEvent: (event: SnapshotEvent) => void,
): Promise<SnapshotProvider> {
  switch (provider?.kind) {
    case 'host': {
      // Loaded only here: the module imports an HTTP client, which otherwise only the lanes' threads load.
      const { HostProvider } = await import('../snapshot/host/host-provider.ts');
      const { rehearseCall } = await import('../snapshot/host/warm-up.ts');
      await rehearseCall(provider.call);
      return new HostProvider(provider.client, provider.call, { onEvent });
    }
    case 'command':
      return new CommandProvider(provider.command, { onEvent });
    default:
      return await openLanes(request, onEvent);
  }
}

async function openLanes(
  { blobs, metadata, taskId, lanes, patienceMs, encrypted = false }: BackupRequest,
  onEvent: (event: SnapshotEvent) => void,
): Promise<BlobLanes> {
  const targets = blobs.map((blob, index) => ({
    blob,
    metadata,
    clientRequestId: `${taskId}/${index}`,
  }));
  return await BlobLanes.open(targets, {
    ...(lanes === undefined ? {} : { lanes }),
    patienceMs,
    encrypted,
    proxyFor: machineProxy(),
    onEvent,
  });
}
