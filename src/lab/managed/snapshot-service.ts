import type { Cloud, CloudDisk } from './cloud.ts';
import type { ManagedIdentity } from './model.ts';
import { answerDue, type Operations } from './operations.ts';
import type { ManagedOptions } from './options.ts';
import { pageOf } from './paging.ts';
import type { Permissions } from './permissions.ts';
import type { Pictures } from './pictures.ts';
import { ManagedError, type Reply } from './reply.ts';
import type { ServerClock } from './server-clock.ts';
import { type SnapshotBody, snapshotBody, tagsBody } from './snapshot-body.ts';
import { checkBody, checkDisk, checkName, checkSameSource } from './snapshot-rules.ts';
import type { SnapshotEntry, SnapshotStore } from './snapshot-store.ts';
import { type ArmTarget, sameId } from './targets.ts';

/** A request that has got past the door. */
export interface ArmRequest {
  readonly target: ArmTarget;
  readonly body: string;
  readonly query: URLSearchParams;
  readonly identity: ManagedIdentity;
  /** For URLs in the answer. */
  readonly base: string;
  readonly arrivedMs: number;
}

export interface SnapshotServiceParts {
  readonly cloud: Cloud;
  readonly options: ManagedOptions;
  readonly permissions: Permissions;
  readonly operations: Operations;
  readonly pictures: Pictures;
  readonly clock: ServerClock;
  readonly store: SnapshotStore;
}

/** Snapshots of disks (section 2 of managed-disks.md). */
export class SnapshotService {
  readonly #parts: SnapshotServiceParts;

  constructor(parts: SnapshotServiceParts) {
    this.#parts = parts;
  }

  async put(request: ArmRequest): Promise<Reply> {
    const { cloud, permissions, store, options } = this.#parts;
    const { target, identity, query, arrivedMs } = request;
    const body = snapshotBody(request.body);
    const source = body.properties.creationData.sourceResourceId;
    permissions.requireLinked(identity, 'Microsoft.Compute/snapshots/write', target.path, source);
    permissions.refuseLocked('write', target.path);
    permissions.refuseLocked('write', source);
    permissions.refuseDenied(target.path, target.name, {
      tags: body.tags ?? {},
      networkAccessPolicy: body.properties.networkAccessPolicy ?? 'AllowAll',
      sku: body.sku?.name ?? 'Standard_LRS',
    });
    checkName(target.name);
    const existing = store.find(target.path);
    if (existing !== undefined && existing.provisioningState !== 'Failed') {
      checkSameSource(existing, body);
      return await this.#adopt(existing, body, request);
    }
    const disk = this.#source(source);
    checkBody(body, disk, cloud, query.get('api-version') ?? '');
    checkDisk(disk, store, options.limits);
    return await this.#create(disk, body, request, arrivedMs);
  }

  /** The tags that are given replace all that it has. */
  patch({ target, body }: ArmRequest): Reply {
    const { permissions, store } = this.#parts;
    permissions.refuseLocked('write', target.path);
    const entry = this.#existing(target);
    entry.body = { ...entry.body, tags: tagsBody(body).tags };
    return { status: 200, body: store.resource(entry) };
  }

  get({ target }: ArmRequest): Reply {
    const entry = this.#existing(target);
    // It may be the only poll that the identity has the right to.
    entry.operation?.countPoll();
    return { status: 200, body: this.#parts.store.resource(entry) };
  }

  list(request: ArmRequest): Reply {
    const { store, options } = this.#parts;
    const { group: wanted } = request.target;
    const entries = store.all.filter(({ group }) => wanted === '' || sameId(group, wanted));
    const resources = entries.map((entry) => store.resource(entry));
    return { status: 200, body: pageOf(request, resources, options.pageSize) };
  }

  async delete({ target, base, arrivedMs }: ArmRequest): Promise<Reply> {
    const { store, permissions, operations, cloud, pictures } = this.#parts;
    permissions.refuseLocked('delete', target.path);
    const entry = store.remove(target.path);
    if (entry === undefined) {
      return { status: 204 };
    }
    entry.operation?.cancel();
    const operation = operations.start({
      kind: 'DiskOperations',
      plan: { ...cloud.planFor(), outcome: 'Succeeded', pointInTime: 'end' },
      disk: entry.disk.spec.name,
      resource: target.path,
      picture: () => pictures.remove(entry.picture),
      ended: () => {},
      output: () => undefined,
    });
    await answerDue(operation, arrivedMs);
    return {
      status: 202,
      headers: operations.headers(operation, base, cloud.vm.location),
    };
  }

  async #create(
    disk: CloudDisk,
    body: SnapshotBody,
    request: ArmRequest,
    arrivedMs: number,
  ): Promise<Reply> {
    const { store, clock, operations, pictures, cloud } = this.#parts;
    const { target } = request;
    const entry = store.add({
      ...{ id: target.path, name: target.name, group: target.group },
      ...{ disk, body, timeCreated: clock.now() },
    });
    entry.operation = operations.start({
      kind: 'DiskOperations',
      plan: cloud.planFor(disk),
      disk: disk.spec.name,
      resource: target.path,
      picture: async () => {
        entry.picture = await pictures.take(disk);
        if (store.find(target.path) !== entry) {
          await pictures.remove(entry.picture);
        }
      },
      ended: (status) => {
        entry.provisioningState = status === 'Succeeded' ? 'Succeeded' : 'Failed';
        entry.endedMs = performance.now();
        entry.endedNs = process.hrtime.bigint();
      },
      output: () => store.resource(entry),
    });
    await answerDue(entry.operation, arrivedMs);
    return this.#accepted(entry, entry.operation, body, request);
  }

  /** No new snapshot: the answer is as before, and `timeCreated` stays what it was. */
  async #adopt(entry: SnapshotEntry, body: SnapshotBody, request: ArmRequest): Promise<Reply> {
    const { operations, store, cloud } = this.#parts;
    entry.body = { ...entry.body, tags: body.tags ?? {} };
    const first = entry.operation;
    const operation = operations.start({
      kind: 'DiskOperations',
      plan: { ...cloud.planFor(entry.disk), durationMs: 0, pointInTime: 'end', inProgress: 0 },
      disk: entry.disk.spec.name,
      resource: request.target.path,
      picture: async () => {
        await first?.ended;
      },
      ended: () => {},
      output: () => store.resource(entry),
    });
    await answerDue(operation, request.arrivedMs);
    return this.#accepted(entry, operation, body, request);
  }

  #accepted(
    entry: SnapshotEntry,
    operation: Parameters<Operations['headers']>[0],
    body: SnapshotBody,
    { base }: ArmRequest,
  ): Reply {
    const { operations, store, cloud } = this.#parts;
    if (operation.spec.plan.headers === 'at-once') {
      return { status: 200, body: store.resource(entry) };
    }
    return {
      status: 202,
      headers: operations.headers(operation, base, cloud.vm.location),
      body: { ...body, properties: { ...body.properties, provisioningState: 'Updating' } },
    };
  }

  /** Throws 400 and 404. */
  #source(id: string): CloudDisk {
    if (
      !/^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Compute\/disks\/[^/]+$/i.test(
        id,
      )
    ) {
      throw new ManagedError(400, 'InvalidParameter', {
        message: `The source resource id '${id}' is not that of a disk.`,
      });
    }
    const disk = this.#parts.cloud.diskById(id);
    if (disk === undefined || disk.spec.missing || disk.spec.vhdUri !== undefined) {
      throw new ManagedError(404, 'ResourceNotFound', {
        message: `The Resource '${id}' was not found.`,
      });
    }
    return disk;
  }

  #existing({ path, name, group }: ArmTarget): SnapshotEntry {
    const entry = this.#parts.store.find(path);
    if (entry === undefined) {
      throw new ManagedError(404, 'ResourceNotFound', {
        message: `The Resource 'Microsoft.Compute/snapshots/${name}' under resource group '${group}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
      });
    }
    return entry;
  }
}
