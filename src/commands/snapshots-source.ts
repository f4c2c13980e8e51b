import { hostname } from 'node:os';
import { machineProxy } from '../config/machine-proxy.ts';
import { FlashfreezeError } from '../errors.ts';
import type { Redaction } from '../log/redaction.ts';
import { extensionRunFolders, RUN_FOLDER, trustedRunsIn } from '../report/run-folder.ts';
import { restorePointsOf } from '../restore-points/group.ts';
import type { ManagedService } from '../restore-points/managed-service.ts';
import { blobStore, managedStore, type PointStore } from '../restore-points/prune-stores.ts';
import { type BlobContainer, readBlobs } from '../restore-points/read-blobs.ts';
import { readManaged } from '../restore-points/read-managed.ts';
import type { KeptRecord } from '../restore-points/record-of-run.ts';
import { DOUBT_REASONS, type RestorePoint } from '../restore-points/restore-point.ts';
import { withoutQuery } from '../snapshot/blob/blob-url.ts';
import { hasMetadata } from '../snapshot/inventory/stored-snapshot.ts';
import { parseDiskPointId } from '../snapshot/managed/arm-id.ts';
import { POINT_ACTIONS } from '../snapshot/managed/restore-point-failures.ts';
import { readAzureVmId } from '../system/azure-vm-id.ts';
import { containerUrlsOf } from './container-options.ts';
import { managedWishesOf } from './managed-options.ts';
import { metadataOf } from './snapshot-options.ts';
import type { SourceOptions } from './snapshots-options.ts';
import { ProgressLine } from './snapshots-progress.ts';

/** The services that hold the snapshots, found but not read yet. */
export type Source =
  | { readonly kind: 'blobs'; readonly containers: readonly BlobContainer[] }
  | { readonly kind: 'managed'; readonly service: ManagedService };

/**
 * Finds what the options name.
 *
 * @param redaction learns the secrets of the URLs and tokens
 * @throws FlashfreezeError FF_USAGE, FF_URL_INVALID, FF_URL_INSECURE, or as `findManagedService`
 */
export async function sourceOf(options: SourceOptions, redaction: Redaction): Promise<Source> {
  const { container, containerFrom, resourceGroup, identity, tag, metadata } = options;
  const wishes = managedWishesOf(
    {
      ...(options.managed === undefined ? {} : { managed: options.managed }),
      ...(resourceGroup === undefined ? {} : { resourceGroup }),
      ...(identity === undefined ? {} : { identity }),
      ...(tag === undefined ? {} : { tag }),
    },
    {
      '--container': container,
      '--container-from': containerFrom,
      '--metadata': metadata,
    },
  );
  if (wishes === undefined) {
    const proxyFor = machineProxy();
    const urls = containerUrlsOf(options);
    for (const url of urls) {
      redaction.addUrl(url);
    }
    return { kind: 'blobs', containers: urls.map((url) => ({ url, proxy: proxyFor(url) })) };
  }
  const { findManagedService } = await import('../restore-points/managed-service.ts');
  const service = await findManagedService({
    group: wishes.group,
    clientId: wishes.clientId,
    learnSecret: (secret) => redaction.add(secret),
    abort: new AbortController().signal,
  });
  return { kind: 'managed', service };
}

/** What a source holds of restore points. */
export interface FoundPoints {
  /** The newest first. */
  readonly points: readonly RestorePoint[];
  /** Number of snapshots that belong to no restore point. */
  readonly others: number;
  /** Sentences for people. */
  readonly warnings: readonly string[];
  /** What may exist and was not read, for people; empty: nothing. */
  readonly hint: string;
  readonly store: PointStore;
}

const HIDDEN = `Restore points of the VM were not read: the VM's identity lacks ${POINT_ACTIONS.readCollection} or ${POINT_ACTIONS.readPoint}`;

/** @throws FlashfreezeError as `readBlobs` and `readManaged` */
export async function readPoints(source: Source): Promise<FoundPoints> {
  const records = await keptRecords();
  using line = new ProgressLine();
  if (source.kind === 'managed') {
    const found = await readManaged(source.service, (snapshots) =>
      line.show(`${snapshots} snapshots read`),
    );
    const points = restorePointsOf(found.members, [], [...records, ...found.records]);
    return {
      ...{ points, others: found.others, warnings: [], hint: found.isHidden ? HIDDEN : '' },
      store: managedStore(source.service),
    };
  }
  const found = await readBlobs(source.containers, (seen) =>
    line.show(`${seen.snapshots} snapshots and ${seen.manifests} manifests read`),
  );
  const { members, manifests, others, warnings } = found;
  const points = restorePointsOf(
    members,
    manifests.map(({ manifest }) => manifest),
    records,
    found,
  );
  const ofPoints = points.reduce((sum, it) => sum + it.members.length + it.surplus.length, 0);
  return {
    ...{ points, warnings, hint: '', store: blobStore(source.containers, manifests) },
    others: others + members.length - ofPoints,
  };
}

/**
 * What the kept runs of this machine, commands and tasks of the extension, say of their restore points, for what was not recorded beside the
 * snapshots. What is deleted may depend on it, so folders that another user than root can change are left out.
 *
 * @param given default: the folders of commands and of extensions
 */
export async function keptRecords(given?: readonly string[]): Promise<KeptRecord[]> {
  const folders = given ?? [RUN_FOLDER, ...(await extensionRunFolders())];
  const runs = (await Promise.all(folders.map(trustedRunsIn))).flat();
  const vm = await readAzureVmId();
  return runs.flatMap((run) => {
    if (run.summary === null || run.origin === 'freeze') {
      return [];
    }
    const { consistency, restorable, barrier, disks } = run.summary;
    const machine = { host: run.machine.host ?? hostname(), vm };
    const point = disks.map(({ snapshot }) => parseDiskPointId(snapshot ?? '')?.pointName);
    // Azure takes all disks of its restore point at one instant, also if nothing was frozen.
    const ofVm = new Set(point.filter((it) => it !== undefined));
    return [
      { id: run.taskId, consistency, restorable, barrier, machine },
      ...[...ofVm].map((id) => ({ id, restorable, barrier, machine: undefined })),
    ];
  });
}

/** Which snapshots the options select: by the name of their machine, and by metadata or tags. */
export function selectionOf(
  options: SourceOptions,
): (host: string | undefined, values: readonly Readonly<Record<string, string>>[]) => boolean {
  const { host } = options;
  if (host === '') {
    throw new FlashfreezeError('FF_USAGE', '--host (empty): expected the name of a machine');
  }
  const wanted = options.managed === true ? pairsOf(options.tag) : metadataOf(options.metadata);
  return (its, values) =>
    (host === undefined || its?.toLowerCase() === host.toLowerCase()) &&
    (wanted.length === 0 || (values.length > 0 && values.every((it) => hasMetadata(it, wanted))));
}

/** Tags that were checked before. */
function pairsOf(pairs: readonly string[] = []): [name: string, value: string][] {
  return pairs.map((pair) => {
    const at = pair.indexOf('=');
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
}

/** `selectionOf` for a restore point. */
export function pointSelectionOf(options: SourceOptions): (point: RestorePoint) => boolean {
  const selects = selectionOf(options);
  return ({ host, members, surplus }) =>
    selects(
      host,
      [...members, ...surplus].map(({ values }) => values),
    );
}

/** A sentence if it is not sure what belongs to a restore point that is about to be read or restored. */
export function doubtsOn({ id, doubt }: Pick<RestorePoint, 'id' | 'doubt'>): string[] {
  return doubt === undefined
    ? []
    : [
        `restore point ${id}: ${DOUBT_REASONS[doubt]}; check that these snapshots are the right ones before you use disks of them`,
      ];
}

/**
 * Refuses a SAS that shows that it may not delete, before anything is deleted.
 *
 * @throws FlashfreezeError FF_CONTAINER_REFUSED
 */
export function requireDeletable(source: Source): void {
  const refused = (source.kind === 'blobs' ? source.containers : []).find(({ url }) => {
    const granted = new URL(url).searchParams.get('sp');
    return granted !== null && !granted.includes('d');
  });
  if (refused !== undefined) {
    throw new FlashfreezeError(
      'FF_CONTAINER_REFUSED',
      `${withoutQuery(refused.url)}: its SAS may not delete; expected one with list, read and delete (sp=rld). Nothing was deleted`,
    );
  }
}
