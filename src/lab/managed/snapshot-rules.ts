import type { Cloud, CloudDisk } from './cloud.ts';
import type { Limits } from './model.ts';
import { ManagedError } from './reply.ts';
import type { SnapshotBody } from './snapshot-body.ts';
import { copiesInBackground, type SnapshotEntry, type SnapshotStore } from './snapshot-store.ts';
import { sameId } from './targets.ts';

const FIVE_MINUTES_MS = 300_000;
const INSTANT_ACCESS_SINCE = '2025-01-02';
const INCREMENTAL_V2_SINCE = '2022-03-02';

export function checkName(name: string): void {
  if (!/^[\w.-]{1,80}$/.test(name)) {
    throw new ManagedError(400, 'InvalidParameter', {
      message: `The name '${name}' is invalid: expected letters, digits, '_', '-' and '.', at most 80.`,
      details: [{ code: 'InvalidParameter', target: 'name' }],
    });
  }
}

/** Throws what the service refuses in a body that has the right fields. */
export function checkBody(
  body: SnapshotBody,
  disk: CloudDisk,
  cloud: Cloud,
  version: string,
): void {
  const { creationData, incremental } = body.properties;
  const location = disk.spec.location ?? cloud.vm.location;
  if (plainLocation(body.location) !== plainLocation(location)) {
    invalid(
      'location',
      `The location '${body.location}' of the snapshot is not the location '${location}' of its source.`,
    );
  }
  if (creationData.createOption !== 'Copy') {
    invalid('createOption', `The lab takes snapshots with createOption 'Copy' only.`);
  }
  if (!sameId(body.extendedLocation?.name ?? '', cloud.vm.edgeZone ?? '')) {
    invalid(
      'extendedLocation',
      'The extended location of the snapshot must be that of its source.',
    );
  }
  checkStorage(body);
  const minutes = creationData.instantAccessDurationMinutes;
  if (minutes !== undefined && (!copiesInBackground(disk) || version < INSTANT_ACCESS_SINCE)) {
    invalid(
      'instantAccessDurationMinutes',
      'Instant access is for Premium SSD v2 and Ultra disks.',
    );
  }
  if (copiesInBackground(disk) && (incremental !== true || version < INCREMENTAL_V2_SINCE)) {
    throw new ManagedError(400, 'BadRequest', {
      message: 'Only incremental snapshots are supported for Premium SSD v2 and Ultra disks.',
      shape: 'bare',
    });
  }
}

function checkStorage({ sku, properties }: SnapshotBody): void {
  if (properties.incremental && sku?.name === 'Premium_LRS') {
    invalid('sku', 'Incremental snapshots are on Standard_LRS or Standard_ZRS storage.');
  }
  if (properties.networkAccessPolicy === 'AllowPrivate' && !properties.diskAccessId) {
    invalid('diskAccessId', 'The network access policy AllowPrivate needs a diskAccessId.');
  }
}

function invalid(target: string, message: string): never {
  throw new ManagedError(400, 'InvalidParameter', {
    ...{ message, details: [{ code: 'InvalidParameter', target, message }] },
  });
}

/** Throws if the disk itself or its limits allow no snapshot now. Codes are invented: none is documented. */
export function checkDisk(disk: CloudDisk, store: SnapshotStore, limits: Limits | undefined): void {
  const refuse = (code: string, message: string): never => {
    throw new ManagedError(409, code, { message, shape: 'bare' });
  };
  if (disk.spec.ephemeral) {
    refuse('OperationNotAllowed', 'Snapshots of an ephemeral OS disk are not supported.');
  }
  if (limits === undefined) {
    return;
  }
  const alive = store.ofDisk(disk).filter(({ body }) => body.properties.incremental);
  const now = performance.now();
  const recent = alive.filter(({ createdMs }) => now - createdMs < FIVE_MINUTES_MS);
  if (recent.length >= limits.perDiskInFiveMinutes) {
    refuse(
      'LabInventedSnapshotRateExceeded',
      `At most ${limits.perDiskInFiveMinutes} incremental snapshots of a disk can be taken in five minutes.`,
    );
  }
  if (alive.length >= limits.alivePerDisk) {
    refuse(
      'LabInventedSnapshotCountExceeded',
      `At most ${limits.alivePerDisk} incremental snapshots of a disk can exist.`,
    );
  }
  const copying = alive.filter((entry) => (store.completion(entry) ?? 100) < 100);
  if (copying.length >= limits.runningCopiesPerDisk) {
    refuse(
      'LabInventedSnapshotCopiesExceeded',
      `At most ${limits.runningCopiesPerDisk} snapshots of a disk can be copied in the background at once.`,
    );
  }
}

/** Throws 400 if a PUT of a name that exists asks for something else. */
export function checkSameSource(existing: SnapshotEntry, body: SnapshotBody): void {
  const source = body.properties.creationData.sourceResourceId;
  const property = sameId(source, existing.disk.id)
    ? body.properties.incremental !== existing.body.properties.incremental
      ? 'incremental'
      : undefined
    : 'sourceResourceId';
  if (property !== undefined) {
    throw new ManagedError(400, 'PropertyChangeNotAllowed', {
      message: `Changing property '${property}' is not allowed for existing disk '${existing.name}'.`,
      shape: 'bare',
    });
  }
}

export const plainLocation = (location: string): string =>
  location.replaceAll(' ', '').toLowerCase();
