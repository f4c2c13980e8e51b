import { randomUUID } from 'node:crypto';
import type { CloudDisk } from './cloud.ts';
import type { ManagedSnapshot } from './model.ts';
import type { Operation } from './operations.ts';
import type { Picture } from './pictures.ts';
import type { SnapshotBody } from './snapshot-body.ts';

export interface SnapshotEntry {
  readonly id: string;
  readonly name: string;
  readonly group: string;
  readonly disk: CloudDisk;
  readonly uniqueId: string;
  readonly timeCreated: string;
  readonly createdMs: number;
  body: SnapshotBody;
  /** Whether a SAS lets its content be read. */
  diskState: 'Unattached' | 'ActiveSAS';
  provisioningState: ManagedSnapshot['provisioningState'];
  picture: Picture | undefined;
  operation: Operation | undefined;
  endedMs: number | undefined;
  endedNs: bigint | undefined;
}

const PERCENT = 100;

/** The snapshots that exist. */
export class SnapshotStore {
  readonly #entries = new Map<string, SnapshotEntry>();
  readonly #backgroundCopyMs: number;

  constructor(backgroundCopyMs: number) {
    this.#backgroundCopyMs = backgroundCopyMs;
  }

  get all(): readonly SnapshotEntry[] {
    return [...this.#entries.values()];
  }

  find(id: string): SnapshotEntry | undefined {
    return this.#entries.get(id.toLowerCase());
  }

  add(
    parts: Pick<SnapshotEntry, 'id' | 'name' | 'group' | 'disk' | 'body' | 'timeCreated'>,
  ): SnapshotEntry {
    const entry: SnapshotEntry = {
      ...parts,
      uniqueId: randomUUID(),
      createdMs: performance.now(),
      diskState: 'Unattached',
      provisioningState: 'Updating',
      picture: undefined,
      operation: undefined,
      endedMs: undefined,
      endedNs: undefined,
    };
    this.#entries.set(parts.id.toLowerCase(), entry);
    return entry;
  }

  remove(id: string): SnapshotEntry | undefined {
    const entry = this.find(id);
    this.#entries.delete(id.toLowerCase());
    return entry;
  }

  ofDisk(disk: CloudDisk): readonly SnapshotEntry[] {
    return this.all.filter((entry) => entry.disk.uniqueId === disk.uniqueId);
  }

  /** Of Ultra and Premium SSD v2: 0 to 100, counted from the operation's end; undefined: no such copy. */
  completion(entry: SnapshotEntry): number | undefined {
    if (!copiesInBackground(entry.disk)) {
      return undefined;
    }
    if (entry.endedMs === undefined) {
      return 0;
    }
    const share = (performance.now() - entry.endedMs) / this.#backgroundCopyMs;
    return Math.min(PERCENT, Math.floor(share * PERCENT));
  }

  accessState(entry: SnapshotEntry): string {
    return accessState(entry, this.completion(entry));
  }

  resource(entry: SnapshotEntry): unknown {
    const { id, name, disk, body } = entry;
    const { creationData, ...given } = body.properties;
    const completion = this.completion(entry);
    return {
      name,
      id,
      type: 'Microsoft.Compute/snapshots',
      location: body.location,
      tags: body.tags ?? {},
      sku: { name: body.sku?.name ?? 'Standard_LRS', tier: 'Standard' },
      ...(body.extendedLocation === undefined ? {} : { extendedLocation: body.extendedLocation }),
      properties: {
        networkAccessPolicy: 'AllowAll',
        publicNetworkAccess: 'Enabled',
        incremental: false,
        ...(disk.spec.lun < 0 ? { osType: 'Linux', hyperVGeneration: 'V2' } : {}),
        encryption: {
          type: disk.spec.encryptionType ?? 'EncryptionAtRestWithPlatformKey',
          ...(disk.spec.diskEncryptionSetId === undefined
            ? {}
            : { diskEncryptionSetId: disk.spec.diskEncryptionSetId }),
        },
        ...given,
        creationData: { ...creationData, sourceUniqueId: disk.uniqueId },
        diskSizeGB: Math.ceil(disk.sizeBytes / 2 ** 30),
        diskSizeBytes: disk.sizeBytes,
        diskState: entry.diskState,
        timeCreated: entry.timeCreated,
        provisioningState: entry.provisioningState,
        uniqueId: entry.uniqueId,
        ...(given.incremental ? { incrementalSnapshotFamilyId: disk.familyId } : {}),
        completionPercent: completion ?? PERCENT,
        snapshotAccessState: accessState(entry, completion),
      },
    };
  }

  view(entry: SnapshotEntry): ManagedSnapshot {
    return {
      name: entry.name,
      id: entry.id,
      disk: entry.disk.spec.name,
      lun: entry.disk.spec.lun,
      provisioningState: entry.provisioningState,
      timeCreated: entry.timeCreated,
      tags: entry.body.tags ?? {},
      imagePath: entry.picture?.imagePath,
      restorePoint: undefined,
      copyStartNs: entry.picture?.copyStartNs,
      copyEndNs: entry.picture?.copyEndNs,
      endedNs: entry.endedNs,
    };
  }
}

export function copiesInBackground({ spec }: Pick<CloudDisk, 'spec'>): boolean {
  return spec.sku === 'PremiumV2_LRS' || spec.sku === 'UltraSSD_LRS';
}

function accessState(entry: SnapshotEntry, completion: number | undefined): string {
  if (completion === undefined) {
    return 'Available';
  }
  const isInstant = entry.body.properties.creationData.instantAccessDurationMinutes !== undefined;
  if (completion < PERCENT) {
    return isInstant && entry.endedMs !== undefined ? 'InstantAccess' : 'Pending';
  }
  return isInstant ? 'AvailableWithInstantAccess' : 'Available';
}
