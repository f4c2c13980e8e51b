import { randomUUID } from 'node:crypto';
import type { Cloud } from './cloud.ts';
import type { MadeDisk } from './model.ts';
import { answerDue, type Operation, type Operations } from './operations.ts';
import type { Permissions } from './permissions.ts';
import type { Picture, Pictures } from './pictures.ts';
import { ManagedError, type Reply } from './reply.ts';
import type { RestorePointService } from './restore-point-service.ts';
import type { ServerClock } from './server-clock.ts';
import { type DiskBody, diskBody } from './snapshot-body.ts';
import { checkName, plainLocation } from './snapshot-rules.ts';
import type { ArmRequest } from './snapshot-service.ts';
import { copiesInBackground, type SnapshotStore } from './snapshot-store.ts';
import { sameId } from './targets.ts';

export interface MadeDiskParts {
  readonly cloud: Cloud;
  readonly options: { readonly backgroundCopyMs: number };
  readonly permissions: Permissions;
  readonly operations: Operations;
  readonly pictures: Pictures;
  readonly clock: ServerClock;
  readonly store: SnapshotStore;
  readonly restorePoints: Pick<RestorePointService, 'diskPoint'>;
}

/** What a disk can be made of. */
export interface DiskSource {
  readonly createOption: DiskBody['properties']['creationData']['createOption'];
  readonly uniqueId: string;
  readonly location: string;
  readonly sizeBytes: number;
  readonly imagePath: string | undefined;
  readonly isReady: boolean;
}

interface Entry {
  readonly id: string;
  readonly name: string;
  readonly uniqueId: string;
  readonly source: DiskSource;
  readonly body: DiskBody;
  readonly text: string;
  readonly timeCreated: string;
  provisioningState: MadeDisk['provisioningState'];
  picture: Picture | undefined;
  operation: Operation | undefined;
  endedMs: number | undefined;
}

/** Disks that are made of snapshots (section 2 of managed-disks.md, "Back to a disk"). */
export class MadeDisks {
  readonly #parts: MadeDiskParts;
  readonly #entries = new Map<string, Entry>();

  constructor(parts: MadeDiskParts) {
    this.#parts = parts;
  }

  get views(): readonly MadeDisk[] {
    return [...this.#entries.values()]
      .map(({ id, name, body, text, provisioningState, picture }) => ({
        ...{ id, name, provisioningState, body: text },
        source: body.properties.creationData.sourceResourceId,
        imagePath: picture?.imagePath,
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** The resource; undefined if none of this id was made. */
  get(path: string): Reply | undefined {
    const entry = this.#entries.get(path.toLowerCase());
    // It may be the only poll that the identity has the right to.
    entry?.operation?.countPoll();
    return entry && { status: 200, body: this.#resource(entry) };
  }

  async put(request: ArmRequest): Promise<Reply> {
    const { permissions, cloud } = this.#parts;
    const { target, identity } = request;
    const body = diskBody(request.body);
    const { sourceResourceId: id, createOption } = body.properties.creationData;
    permissions.requireLinked(identity, 'Microsoft.Compute/disks/write', target.path, id);
    permissions.refuseLocked('write', target.path);
    permissions.refuseDenied(target.path, target.name, {
      ...{ tags: body.tags ?? {}, sku: body.sku.name },
      networkAccessPolicy: body.properties.networkAccessPolicy ?? 'AllowAll',
    });
    checkName(target.name);
    const known = this.#entries.get(target.path.toLowerCase());
    if (cloud.diskById(target.path) !== undefined || (known && !isSameSource(known, id))) {
      throw new ManagedError(400, 'PropertyChangeNotAllowed', {
        message: `Changing property 'sourceResourceId' is not allowed for existing disk '${target.name}'.`,
        shape: 'bare',
      });
    }
    const source = this.#source(id);
    checkSource(source, body, createOption);
    const isKept = known !== undefined && known.provisioningState !== 'Failed';
    const entry = isKept ? known : this.#start(request, body, source);
    return await this.#accepted(entry, request);
  }

  #start({ target, body: text }: ArmRequest, body: DiskBody, source: DiskSource): Entry {
    const { cloud, operations, pictures, clock } = this.#parts;
    const entry: Entry = {
      ...{ id: target.path, name: target.name, uniqueId: randomUUID() },
      ...{ source, body, text, timeCreated: clock.now() },
      provisioningState: 'Creating',
      ...{ picture: undefined, operation: undefined, endedMs: undefined },
    };
    this.#entries.set(target.path.toLowerCase(), entry);
    entry.operation = operations.start({
      kind: 'DiskOperations',
      plan: cloud.planNamed(target.name),
      disk: target.name,
      resource: target.path,
      picture: async () => {
        const { imagePath } = source;
        const spec = {
          name: target.name,
          lun: 0,
          ...(imagePath === undefined ? {} : { imagePath }),
        };
        entry.picture = await pictures.take({ spec });
      },
      ended: (status) => {
        entry.provisioningState = status === 'Succeeded' ? 'Succeeded' : 'Failed';
        entry.endedMs = performance.now();
      },
      output: () => this.#resource(entry),
    });
    return entry;
  }

  async #accepted(entry: Entry, { base, arrivedMs }: ArmRequest): Promise<Reply> {
    const { operations, cloud } = this.#parts;
    const { operation, body } = entry;
    if (operation === undefined) {
      throw new ManagedError(500, 'InternalServerError');
    }
    await answerDue(operation, arrivedMs);
    return operation.spec.plan.headers === 'at-once'
      ? { status: 200, body: this.#resource(entry) }
      : {
          status: 202,
          headers: operations.headers(operation, base, cloud.vm.location),
          body: { ...body, properties: { ...body.properties, provisioningState: 'Updating' } },
        };
  }

  /** Throws 404. */
  #source(id: string): DiskSource {
    if (/\/diskRestorePoints\//i.test(id)) {
      const { point, disk } = this.#parts.restorePoints.diskPoint(id);
      return {
        ...{ createOption: 'Restore', uniqueId: disk.uniqueId, sizeBytes: disk.sizeBytes },
        location: this.#parts.cloud.vm.location,
        imagePath: point.pictures.get(disk)?.imagePath,
        isReady: point.provisioningState === 'Succeeded',
      };
    }
    const entry = this.#parts.store.find(id);
    if (entry === undefined) {
      throw new ManagedError(404, 'ResourceNotFound', {
        message: `The Resource '${id}' was not found.`,
      });
    }
    return {
      createOption: 'Copy',
      uniqueId: entry.uniqueId,
      location: entry.body.location,
      sizeBytes: entry.disk.sizeBytes,
      imagePath: entry.picture?.imagePath,
      isReady:
        entry.provisioningState === 'Succeeded' &&
        this.#parts.store.accessState(entry) !== 'Pending',
    };
  }

  #resource({ id, name, uniqueId, source, body, ...entry }: Entry): unknown {
    const { creationData, ...given } = body.properties;
    const isSlow = copiesInBackground({ spec: { name, lun: 0, sku: body.sku.name } });
    return {
      ...{ name, id, type: 'Microsoft.Compute/disks', location: body.location },
      ...{ tags: body.tags ?? {}, zones: body.zones ?? [], sku: { name: body.sku.name } },
      ...(body.extendedLocation === undefined ? {} : { extendedLocation: body.extendedLocation }),
      properties: {
        ...given,
        creationData: { ...creationData, sourceUniqueId: source.uniqueId },
        diskSizeGB: Math.ceil(source.sizeBytes / 2 ** 30),
        diskSizeBytes: source.sizeBytes,
        diskState: 'Unattached',
        ...{ timeCreated: entry.timeCreated, provisioningState: entry.provisioningState, uniqueId },
        ...(isSlow ? { completionPercent: this.#completion(entry.endedMs) } : {}),
      },
    };
  }

  #completion(endedMs: number | undefined): number {
    const { backgroundCopyMs } = this.#parts.options;
    const share = endedMs === undefined ? 0 : (performance.now() - endedMs) / backgroundCopyMs;
    return Math.min(100, Math.floor(share * 100));
  }
}

function isSameSource({ body }: Entry, id: string): boolean {
  return sameId(body.properties.creationData.sourceResourceId, id);
}

/** Throws 400 and 409; the code of the latter is invented: none is documented. */
function checkSource(source: DiskSource, body: DiskBody, createOption: string): void {
  const invalid = (message: string): never => {
    throw new ManagedError(400, 'InvalidParameter', { message });
  };
  if (createOption !== source.createOption) {
    invalid(`The source needs createOption '${source.createOption}'.`);
  }
  if (plainLocation(body.location) !== plainLocation(source.location)) {
    invalid(
      `The location '${body.location}' is not the location '${source.location}' of the source.`,
    );
  }
  if (/_ZRS$/.test(body.sku.name) && body.zones !== undefined) {
    invalid('A zone-redundant disk is in no single zone.');
  }
  if (!source.isReady) {
    throw new ManagedError(409, 'LabInventedSnapshotNotReady', {
      message: 'The data of the snapshot has not been copied yet.',
      shape: 'bare',
    });
  }
}
