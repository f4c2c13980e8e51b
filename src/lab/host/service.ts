import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ImageCopier } from '../blob-server/image-copy.ts';
import type { HostCallName, HostDisk, HostSnapshotRecord, SnapshotOrder } from './model.ts';

export interface HostReply {
  readonly status: number;
  readonly body: string;
}

const NOT_FOUND: HostReply = { status: 404, body: '' };

export interface HostServiceParts {
  readonly disks: readonly HostDisk[];
  readonly latencyMs: number;
  readonly snapshotDirectory: string | undefined;
  readonly copier: ImageCopier | undefined;
}

/** What the host does when all goes well. */
export class HostService {
  readonly snapshots: HostSnapshotRecord[] = [];
  readonly #parts: HostServiceParts;
  #orders: SnapshotOrder[] = [];

  constructor(parts: HostServiceParts) {
    this.#parts = parts;
  }

  order(order: SnapshotOrder): void {
    this.#orders.push(order);
  }

  async reply(call: HostCallName, body: string): Promise<HostReply> {
    switch (call) {
      case 'pre-snapshot':
        return preSnapshot(new Date());
      case 'do-snapshot':
        return { status: 200, body: JSON.stringify(await this.#doSnapshot(body)) };
      case 'check-for-snapshot':
        return this.#nextOrder();
      case 'start-snapshot':
        await this.#startSnapshot();
        return { status: 200, body: '' };
      case 'publish-snapshot':
        this.#orders = this.#orders.filter(({ snapshotId }) => !body.includes(snapshotId));
        return { status: 200, body: '' };
      case 'versions':
        return { status: 200, body: '<?xml version="1.0" encoding="utf-8"?><Versions />' };
      case 'other':
        return NOT_FOUND;
    }
  }

  #nextOrder(): HostReply {
    const [order] = this.#orders;
    return order === undefined ? NOT_FOUND : { status: 200, body: JSON.stringify(order) };
  }

  async #startSnapshot(): Promise<void> {
    const luns = this.#orders[0]?.luns ?? this.#parts.disks.map(({ lun }) => lun);
    await this.#takeAll(luns);
  }

  async #doSnapshot(body: string): Promise<object> {
    const { diskIds } = JSON.parse(body) as { diskIds: readonly number[] };
    const luns = diskIds.length > 0 ? diskIds : this.#parts.disks.map(({ lun }) => lun);
    await this.#takeAll(luns);
    const time = new Date().toISOString().replace(/Z$/, '0000Z');
    return {
      snapshotInfo: luns.map((lun) => ({
        isSuccessful: 'true',
        snapshotUri: `https://lab.blob.example/vhds/lun${lun}.vhd?snapshot=${time}`,
        errorMessage: '',
        statusCode: 200,
      })),
    };
  }

  /** All at once, and answered no sooner than the latency says. */
  async #takeAll(luns: readonly number[]): Promise<void> {
    await Promise.all([
      ...luns.map((lun) => this.#take(lun)),
      this.#parts.latencyMs > 0 ? sleep(this.#parts.latencyMs) : undefined,
    ]);
  }

  async #take(lun: number): Promise<void> {
    const { disks, snapshotDirectory, copier } = this.#parts;
    const source = disks.find((disk) => disk.lun === lun)?.imagePath;
    const copied =
      source === undefined || snapshotDirectory === undefined
        ? undefined
        : join(snapshotDirectory, `lun${lun}-${this.snapshots.length}.img`);
    this.snapshots.push({ lun, imagePath: copied });
    if (source !== undefined && copied !== undefined) {
      await copier?.copy(source, copied);
    }
  }
}

function preSnapshot(now: Date): HostReply {
  const responseTime = {
    year: now.getUTCFullYear(),
    month: now.getUTCMonth() + 1,
    day: now.getUTCDate(),
    hour: now.getUTCHours(),
    minute: now.getUTCMinutes(),
    second: now.getUTCSeconds(),
  };
  const body = { responseTime, result: 'success', bhsVersion: '1.0.0', nodeId: 'lab' };
  return { status: 200, body: JSON.stringify(body) };
}

/** Which call a request line is. */
export function callOf(method: string, target: string): HostCallName {
  const { pathname, searchParams } = new URL(target, 'http://host');
  const isVersion = searchParams.get('api-version') === '2017-12-01';
  if (method === 'POST' && isVersion && pathname === '/metadata/recsvc/snapshot/presnapshot') {
    return 'pre-snapshot';
  }
  if (method === 'POST' && isVersion && pathname === '/metadata/recsvc/snapshot/dosnapshot') {
    return 'do-snapshot';
  }
  if (pathname === '/machine/plugins' && searchParams.get('comp') === 'xdisksvc') {
    return POLLING_CALLS[`${method} ${searchParams.get('type')}`] ?? 'other';
  }
  return method === 'GET' && target === '/?comp=versions' ? 'versions' : 'other';
}

const POLLING_CALLS: Readonly<Record<string, HostCallName>> = {
  'GET checkforsnapshot': 'check-for-snapshot',
  'POST startsnapshot': 'start-snapshot',
  'POST publishsnapshot': 'publish-snapshot',
};
