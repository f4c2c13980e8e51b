import { randomBytes, randomUUID } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { Cloud } from './cloud.ts';
import type { Incoming } from './front.ts';
import { answerDue, type Operations } from './operations.ts';
import type { Permissions } from './permissions.ts';
import { ManagedError, type Reply } from './reply.ts';
import { accessBody } from './snapshot-body.ts';
import type { ArmRequest } from './snapshot-service.ts';
import type { SnapshotEntry, SnapshotStore } from './snapshot-store.ts';
import { CONTENT_PATH } from './targets.ts';

export interface AccessParts {
  readonly cloud: Cloud;
  readonly permissions: Permissions;
  readonly operations: Operations;
  readonly store: SnapshotStore;
}

/** What a SAS lets be read. */
interface Access {
  readonly entry: SnapshotEntry;
  readonly signature: string;
  readonly endsMs: number;
}

const SNAPSHOTS = 'Microsoft.Compute/snapshots';

/** Reading the content of snapshots by a SAS: begin, ranges, end. */
export class AccessService {
  /** What no honest client does: the token is for the resource manager alone. */
  readonly violations: string[] = [];
  readonly #parts: AccessParts;
  readonly #accesses = new Map<string, Access>();

  constructor(parts: AccessParts) {
    this.#parts = parts;
  }

  /** Accesses that have not been ended. */
  get open(): readonly string[] {
    return [...this.#accesses.values()].map(({ entry }) => entry.name);
  }

  async begin(request: ArmRequest): Promise<Reply> {
    const { target, identity, base } = request;
    const { permissions } = this.#parts;
    const { durationInSeconds } = accessBody(request.body);
    const entry = this.#entry(target.path);
    permissions.require(identity, `${SNAPSHOTS}/beginGetAccess/action`, entry.id);
    permissions.refuseLocked('write', entry.id);
    if (entry.disk.spec.networkAccessPolicy === 'DenyAll' || !this.#isReadable(entry)) {
      throw new ManagedError(409, 'OperationNotAllowed', {
        message: 'The snapshot cannot be exported now.',
      });
    }
    const name = randomUUID();
    const signature = randomBytes(32).toString('base64url');
    entry.diskState = 'ActiveSAS';
    const endsMs = performance.now() + durationInSeconds * 1_000;
    this.#accesses.set(name, { entry, signature, endsMs });
    const port = new URL(base).port || '443';
    const accessSAS = `https://127.0.0.1:${port}${CONTENT_PATH}${name}?sv=2018-03-28&sr=b&sp=r&sig=${signature}`;
    return await this.#accepted(request, entry, { accessSAS });
  }

  async end(request: ArmRequest): Promise<Reply> {
    const { target, identity } = request;
    const { permissions } = this.#parts;
    const entry = this.#entry(target.path);
    permissions.require(identity, `${SNAPSHOTS}/endGetAccess/action`, entry.id);
    this.revoke(entry.id);
    return await this.#accepted(request, entry, undefined);
  }

  /** @param id of a snapshot */
  revoke(id: string): void {
    const entry = this.#entry(id);
    for (const [name, access] of this.#accesses) {
      if (access.entry === entry) {
        this.#accesses.delete(name);
      }
    }
    entry.diskState = 'Unattached';
  }

  async read({ path, query, headers }: Incoming): Promise<Reply> {
    if (headers.authorization !== undefined) {
      this.violations.push('a token was sent to the address of a SAS');
    }
    const access = this.#accesses.get(path.slice(CONTENT_PATH.length));
    if (access?.signature !== query.get('sig') || access.endsMs < performance.now()) {
      throw new ManagedError(403, 'AuthenticationFailed');
    }
    const { sizeBytes } = access.entry.disk;
    const range = headers['x-ms-range'] ?? headers.range;
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(String(range)) ?? [];
    const first = Number(from);
    const last = Math.min(Number(to), sizeBytes - 1);
    if (from === undefined || to === undefined || first > last) {
      throw new ManagedError(416, 'InvalidRange');
    }
    return {
      status: 206,
      headers: {
        ...{ 'Content-Type': 'application/octet-stream', ETag: `"${access.entry.uniqueId}"` },
        'Content-Range': `bytes ${first}-${last}/${sizeBytes}`,
        ...{ 'x-ms-blob-type': 'PageBlob', 'x-ms-version': '2018-03-28' },
        'Last-Modified': new Date(0).toUTCString(),
      },
      body: await contentOf(access.entry, first, last - first + 1),
    };
  }

  #isReadable(entry: SnapshotEntry): boolean {
    const state = this.#parts.store.accessState(entry);
    return entry.provisioningState === 'Succeeded' && /^Available/.test(state);
  }

  async #accepted(request: ArmRequest, entry: SnapshotEntry, output: unknown): Promise<Reply> {
    const { operations, cloud } = this.#parts;
    const operation = operations.start({
      kind: 'DiskOperations',
      plan: { ...cloud.planFor(entry.disk), pointInTime: 'end' },
      disk: entry.disk.spec.name,
      resource: entry.id,
      picture: () => Promise.resolve(),
      ended: () => {},
      output: () => output,
    });
    await answerDue(operation, request.arrivedMs);
    return operation.spec.plan.headers === 'at-once'
      ? { status: 200, body: output }
      : {
          status: 202,
          headers: operations.headers(operation, request.base, cloud.vm.location),
        };
  }

  /** Throws 404. */
  #entry(path: string): SnapshotEntry {
    const id = path.replace(/\/(?:begin|end)GetAccess$/i, '');
    const entry = this.#parts.store.find(id);
    if (entry === undefined) {
      throw new ManagedError(404, 'ResourceNotFound', {
        message: `The Resource '${id}' was not found.`,
      });
    }
    return entry;
  }
}

async function contentOf(
  { picture }: SnapshotEntry,
  offset: number,
  length: number,
): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  if (picture?.imagePath !== undefined) {
    await using file = await open(picture.imagePath);
    await file.read(bytes, 0, length, offset);
  }
  return bytes;
}
