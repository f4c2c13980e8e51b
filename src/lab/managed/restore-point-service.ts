import type { Cloud, CloudDisk } from './cloud.ts';
import type { Limits, ManagedSnapshot } from './model.ts';
import { answerDue, type Operations } from './operations.ts';
import type { ManagedOptions } from './options.ts';
import { pageOf } from './paging.ts';
import type { Permissions } from './permissions.ts';
import type { Pictures } from './pictures.ts';
import { ManagedError, type Reply } from './reply.ts';
import {
  type Collection,
  collectionResource,
  diskPointName,
  diskPointResource,
  pointResource,
  type RestorePoint,
} from './restore-point-resource.ts';
import { checkPoint, excludedIds, notFound } from './restore-point-rules.ts';
import type { ServerClock } from './server-clock.ts';
import { collectionBody, type RestorePointBody, restorePointBody } from './snapshot-body.ts';
import { plainLocation } from './snapshot-rules.ts';
import type { ArmRequest } from './snapshot-service.ts';
import { sameId } from './targets.ts';
import { wait } from './wait.ts';

export interface RestorePointParts {
  readonly cloud: Cloud;
  readonly options: ManagedOptions;
  readonly permissions: Permissions;
  readonly operations: Operations;
  readonly pictures: Pictures;
  readonly clock: ServerClock;
}

/** Restore points of the VM (section 3 of managed-disks.md). */
export class RestorePointService {
  /** What no honest client does: a point without `CrashConsistent` runs another freeze in the guest. */
  readonly violations: string[] = [];
  readonly #parts: RestorePointParts;
  readonly #collections = new Map<string, Collection>();
  readonly #points = new Map<string, RestorePoint>();
  /** Also of points that were deleted: the limits count them. */
  readonly #startedMs: number[] = [];

  constructor(parts: RestorePointParts) {
    this.#parts = parts;
  }

  async handle(request: ArmRequest): Promise<Reply> {
    switch (request.target.call) {
      case 'put-collection':
        return this.#putCollection(request);
      case 'list-collections':
        return { status: 200, body: this.#list(request) };
      case 'get-disk-restore-point': {
        const { point, disk } = this.diskPoint(request.target.path);
        return { status: 200, body: diskPointResource(point, disk, this.#parts.cloud) };
      }
      case 'get-collection':
        return { status: 200, body: this.#expanded(request) };
      case 'delete-collection':
        return await this.#deleteCollection(request);
      case 'put-restore-point':
        return await this.#putPoint(request);
      case 'get-restore-point': {
        const point = this.#point(request);
        point.operation?.countPoll();
        return { status: 200, body: pointResource(point, this.#parts.cloud) };
      }
      case 'delete-restore-point':
        return await this.#deletePoint(request);
      default:
        throw new ManagedError(404, 'NotFound');
    }
  }

  /** Pictures of every point, as snapshots. */
  get views(): readonly ManagedSnapshot[] {
    return [...this.#points.values()].flatMap((point) =>
      point.disks.map((disk) => ({
        name: diskPointName(disk),
        id: `${point.id}/diskRestorePoints/${diskPointName(disk)}`,
        ...{ disk: disk.spec.name, lun: disk.spec.lun },
        provisioningState:
          point.provisioningState === 'Creating' ? 'Updating' : point.provisioningState,
        ...{ timeCreated: point.timeCreated, tags: {}, restorePoint: point.name },
        imagePath: point.pictures.get(disk)?.imagePath,
        copyStartNs: point.pictures.get(disk)?.copyStartNs,
        copyEndNs: point.pictures.get(disk)?.copyEndNs,
        endedNs: point.endedNs,
      })),
    );
  }

  /** Throws 404. */
  diskPoint(id: string): { readonly point: RestorePoint; readonly disk: CloudDisk } {
    const [pointId = '', name = ''] = id.split(/\/diskRestorePoints\//i);
    const point = this.#points.get(pointId.toLowerCase());
    const disk = point?.disks.find((it) => sameId(diskPointName(it), name));
    if (point === undefined || disk === undefined) {
      throw notFound(id);
    }
    return { point, disk };
  }

  #list(request: ArmRequest): unknown {
    const folder = `${request.target.path.toLowerCase()}/`;
    const all = [...this.#collections.values()].filter(({ id }) =>
      id.toLowerCase().startsWith(folder),
    );
    const resources = all.map((it) => collectionResource(it));
    return pageOf(request, resources, this.#parts.options.pageSize);
  }

  #expanded(request: ArmRequest): unknown {
    const collection = this.#collection(request);
    const points = [...this.#points.values()].filter((it) => sameId(it.collection, collection.id));
    return request.query.get('$expand') === 'restorePoints'
      ? collectionResource(
          collection,
          points.map((point) => pointResource(point, this.#parts.cloud)),
        )
      : collectionResource(collection);
  }

  #putCollection({ target, body: text, identity }: ArmRequest): Reply {
    const { cloud, permissions } = this.#parts;
    const body = collectionBody(text);
    permissions.refuseLocked('write', target.path);
    permissions.require(
      identity,
      'Microsoft.Compute/virtualMachines/read',
      body.properties.source.id,
    );
    if (!sameId(body.properties.source.id, cloud.vmResourceId)) {
      throw notFound(body.properties.source.id);
    }
    if (plainLocation(body.location) !== plainLocation(cloud.vm.location)) {
      throw new ManagedError(400, 'InvalidParameter', {
        message: `The location '${body.location}' is not the location of the VM.`,
      });
    }
    const known = this.#collections.get(target.path.toLowerCase());
    const collection = known ?? { id: target.path, name: target.name, body };
    collection.body = body;
    this.#collections.set(target.path.toLowerCase(), collection);
    return {
      status: known === undefined ? 201 : 200,
      body: collectionResource(collection),
    };
  }

  async #putPoint(request: ArmRequest): Promise<Reply> {
    const { target, arrivedMs, base } = request;
    const { cloud, permissions, operations, options } = this.#parts;
    const body = restorePointBody(request.body);
    permissions.refuseLocked('write', target.path);
    const collection = this.#collection(request);
    if (body.properties?.consistencyMode === undefined) {
      this.violations.push(`PUT ${target.path} has no consistencyMode: expected "CrashConsistent"`);
    }
    this.#admit(target.path, options.limits);
    checkPoint(body, cloud);
    const point = this.#start(request, collection, body);
    const operation = operations.start(this.#operationOf(point));
    point.operation = operation;
    await answerDue(operation, arrivedMs);
    const isDone = operation.spec.plan.headers === 'at-once';
    return {
      status: isDone ? 200 : 201,
      headers: isDone ? {} : operations.headers(operation, base, cloud.vm.location),
      body: pointResource(point, this.#parts.cloud),
    };
  }

  /** Throws 409. */
  #admit(id: string, limits: Limits | undefined): void {
    const refuse = (code: string, message: string): never => {
      throw new ManagedError(409, code, { message });
    };
    if (this.#points.has(id.toLowerCase())) {
      refuse('OperationNotAllowed', 'An existing restore point cannot be changed.');
    }
    const running = [...this.#points.values()].find(
      ({ provisioningState }) => provisioningState === 'Creating',
    );
    if (running !== undefined) {
      refuse(
        'Conflict',
        `The restore point '${running.name}' of the VM is being created: no two at once.`,
      );
    }
    const anHourAgo = performance.now() - 3_600_000;
    const recent = this.#startedMs.filter((startedMs) => startedMs > anHourAgo);
    if (limits !== undefined && recent.length >= limits.restorePointsPerHour) {
      refuse(
        'LabInventedRestorePointRateExceeded',
        `At most ${limits.restorePointsPerHour} restore points of a VM can be created in an hour.`,
      );
    }
  }

  #start({ target }: ArmRequest, collection: Collection, body: RestorePointBody): RestorePoint {
    const { cloud, clock } = this.#parts;
    const excluded = excludedIds(body);
    const point: RestorePoint = {
      ...{ id: target.path, name: target.name, collection: collection.id, body },
      ...{ timeCreated: clock.now(), createdMs: performance.now() },
      disks: cloud.disks.filter(({ id }) => !excluded.has(id.toLowerCase())),
      pictures: new Map(),
      provisioningState: 'Creating',
      ...{ operation: undefined, endedNs: undefined },
    };
    this.#points.set(target.path.toLowerCase(), point);
    this.#startedMs.push(point.createdMs);
    return point;
  }

  #operationOf(point: RestorePoint): Parameters<Operations['start']>[0] {
    const { cloud, pictures, options } = this.#parts;
    return {
      kind: 'operations',
      plan: cloud.planFor(),
      disk: undefined,
      resource: point.id,
      picture: async () => {
        await Promise.all(
          point.disks.map(async (disk, index) => {
            await wait(index * options.restorePointSpreadMs);
            point.pictures.set(disk, await pictures.take(disk));
          }),
        );
      },
      ended: (status) => {
        point.provisioningState = status === 'Succeeded' ? 'Succeeded' : 'Failed';
        point.endedNs = process.hrtime.bigint();
      },
      output: () => pointResource(point, this.#parts.cloud),
    };
  }

  async #deletePoint(request: ArmRequest): Promise<Reply> {
    const { target } = request;
    this.#parts.permissions.refuseLocked('delete', target.path);
    const point = this.#points.get(target.path.toLowerCase());
    return point === undefined ? { status: 204 } : await this.#remove([point], request);
  }

  async #deleteCollection(request: ArmRequest): Promise<Reply> {
    const { target } = request;
    this.#parts.permissions.refuseLocked('delete', target.path);
    if (!this.#collections.delete(target.path.toLowerCase())) {
      return { status: 204 };
    }
    const points = [...this.#points.values()].filter(({ collection }) =>
      sameId(collection, target.path),
    );
    return await this.#remove(points, request);
  }

  async #remove(points: readonly RestorePoint[], request: ArmRequest): Promise<Reply> {
    const { operations, cloud, pictures } = this.#parts;
    for (const { id } of points) {
      this.#points.delete(id.toLowerCase());
    }
    const taken = points.flatMap((point) => [...point.pictures.values()]);
    const operation = operations.start({
      kind: 'operations',
      plan: { ...cloud.planFor(), outcome: 'Succeeded', pointInTime: 'end' },
      ...{ disk: undefined, resource: request.target.path },
      picture: async () => {
        await Promise.all(taken.map((picture) => pictures.remove(picture)));
      },
      ended: () => {},
      output: () => undefined,
    });
    await answerDue(operation, request.arrivedMs);
    return {
      status: 202,
      headers: operations.headers(operation, request.base, cloud.vm.location),
    };
  }

  #collection({ target }: ArmRequest): Collection {
    const id = target.path.replace(/\/restorePoints\/[^/]+$/i, '');
    const collection = this.#collections.get(id.toLowerCase());
    if (collection === undefined) {
      throw notFound(id);
    }
    return collection;
  }

  #point({ target }: ArmRequest): RestorePoint {
    const point = this.#points.get(target.path.toLowerCase());
    if (point === undefined) {
      throw notFound(target.path);
    }
    return point;
  }
}
