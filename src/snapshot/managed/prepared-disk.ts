import type { PreparedRequest } from '../http/request.ts';
import { type ArmId, armId, armPath } from './arm-id.ts';
import type { ResourceManager } from './clouds.ts';
import type { Vm, VmDisk } from './instance-metadata.ts';
import type { ChosenDisk } from './select-disks.ts';
import { nameOfAttempt } from './snapshot-naming.ts';

/** The newest stable version of the disks' interface that its description has. */
export const DISK_API_VERSION = '2025-01-02';

/** Everything a lane needs for the snapshot of one managed disk; plain data, because it crosses threads. */
export interface PreparedDisk {
  readonly target: number;
  /** Of the resource manager. */
  readonly origin: string;
  /** URL of the proxy that the resource manager is reached through; undefined if there is none. */
  readonly proxy: string | undefined;
  readonly disk: ArmId;
  /** Of the VM; the region of its disks, unless a disk says another one. */
  readonly location: string;
  /** Of the VM, if it is known: the disk must be attached to it. */
  readonly vm: string | undefined;
  /** Of the first attempt. */
  readonly snapshotName: string;
  readonly group: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly clientRequestId: string;
  /** Rights and locks are looked up for this disk; for all of them that would be too many requests. */
  readonly checksRights: boolean;
  /** Between two polls if the service asks for no pause. */
  readonly pollMs: number;
}

export interface PrepareOptions {
  readonly manager: ResourceManager;
  readonly vm: Vm;
  readonly proxy: string | undefined;
  /** Of the snapshots; undefined: that of the VM. */
  readonly group: string | undefined;
  readonly nameOf: (disk: VmDisk) => string;
  readonly tagsOf: (disk: VmDisk, position: number, count: number) => PreparedDisk['tags'];
  readonly runId: string;
}

/**
 * The pause between polls if the service asks for none. Azure refills 25 reads a second after a reserve of 250: 64 disks that
 * ask every 1.3 s use 50 a second, which the reserve bears for 10 s.
 */
export function pollMsFor(disks: number): number {
  return Math.max(500, 20 * disks);
}

export function prepareDisks(
  chosen: readonly ChosenDisk[],
  { manager, vm, proxy, group, nameOf, tagsOf, runId }: PrepareOptions,
): PreparedDisk[] {
  return chosen.map(({ disk, id }, index) => ({
    target: index,
    origin: manager.origin,
    proxy,
    disk: id,
    location: vm.location,
    vm: vm.resourceId?.text,
    snapshotName: nameOf(disk),
    group: group ?? vm.group,
    tags: tagsOf(disk, index + 1, chosen.length),
    clientRequestId: `${runId}/${index}`,
    checksRights: index === 0,
    pollMs: pollMsFor(chosen.length),
  }));
}

/** The snapshot that an attempt of the run makes: in the subscription of the disk, as incremental ones must be. */
export function snapshotId({ disk, group, snapshotName }: PreparedDisk, attempt: number): ArmId {
  return armId(
    { subscription: disk.subscription, group },
    'snapshots',
    nameOfAttempt(snapshotName, attempt),
  );
}

/** Id of the resource group of the snapshots. */
export function groupId({
  disk,
  group,
}: {
  readonly disk: Pick<ArmId, 'subscription'>;
  readonly group: string;
}): string {
  return `/subscriptions/${disk.subscription}/resourceGroups/${group}`;
}

/** What the disk itself shows and its snapshot has to repeat. */
export interface DiskFacts {
  readonly location: string;
  readonly edgeZone: string | undefined;
}

/** The body of the request that takes an incremental snapshot. */
export function snapshotBody(
  { disk, tags }: Pick<PreparedDisk, 'disk' | 'tags'>,
  { location, edgeZone }: DiskFacts,
): object {
  return {
    location,
    ...(edgeZone === undefined ? {} : { extendedLocation: { name: edgeZone, type: 'EdgeZone' } }),
    tags,
    properties: {
      creationData: { createOption: 'Copy', sourceResourceId: disk.text },
      incremental: true,
    },
  };
}

/** Makes the requests of one connection; secret, because it holds the token. */
export class ArmRequests {
  readonly #headers: readonly string[];

  constructor(authorization: string, clientRequestId: string) {
    this.#headers = [
      ...['authorization', authorization, 'accept', 'application/json'],
      ...['x-ms-client-request-id', clientRequestId],
    ];
  }

  get(id: ArmId): PreparedRequest {
    return { method: 'GET', path: resourcePath(id), headers: this.#headers };
  }

  /** @param path path and query, as the service gave them (secret), or made of checked parts */
  getPath(path: string): PreparedRequest {
    return { method: 'GET', path, headers: this.#headers };
  }

  put(id: ArmId, body: object): PreparedRequest {
    return this.#writing('PUT', id, body);
  }

  /** Changes only what the body has. */
  patch(id: ArmId, body: object): PreparedRequest {
    return this.#writing('PATCH', id, body);
  }

  delete(id: ArmId): PreparedRequest {
    return { method: 'DELETE', path: resourcePath(id), headers: this.#headers };
  }

  #writing(method: 'PUT' | 'PATCH', id: ArmId, body: object): PreparedRequest {
    return {
      method,
      path: resourcePath(id),
      headers: [...this.#headers, 'content-type', 'application/json'],
      body: Buffer.from(JSON.stringify(body)),
    };
  }
}

function resourcePath(id: ArmId): string {
  return `${armPath(id)}?api-version=${DISK_API_VERSION}`;
}
