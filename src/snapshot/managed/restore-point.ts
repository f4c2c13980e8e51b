import { FlashfreezeError } from '../../errors.ts';
import { type ArmId, armId, armPath } from './arm-id.ts';
import type { Vm, VmDisk } from './instance-metadata.ts';
import type { ManagedSet } from './managed-set.ts';
import { pollMsFor } from './prepared-disk.ts';
import { type ChosenDisk, type DiskLeftOut, labelOf } from './select-disks.ts';
import { NAME_CHARACTERS, nameOfAttempt, type RunMark } from './snapshot-naming.ts';

/** The newest stable version of the interface of restore points that its description has. */
export const POINT_API_VERSION = '2025-11-01';

/** Everything that the request for one restore point of the VM needs, except the token. */
export interface PreparedPoint {
  /** Of the resource manager. */
  readonly origin: string;
  /** URL of the proxy that the resource manager is reached through; undefined if there is none. Secret. */
  readonly proxy: string | undefined;
  readonly vm: ArmId;
  /** Of the VM, and so of the collection. */
  readonly location: string;
  readonly collection: ArmId;
  /** Of the first attempt. */
  readonly pointName: string;
  /** The disks that the point contains. */
  readonly disks: readonly ChosenDisk[];
  /** The VM's other disks. */
  readonly excluded: readonly ArmId[];
  readonly clientRequestId: string;
  /** Between two polls if the service asks for no pause. */
  readonly pollMs: number;
}

export interface PointOptions {
  readonly collection: string;
  /** Of the collection; undefined: that of the VM. */
  readonly group: string | undefined;
  readonly namePrefix: string | undefined;
  readonly mark: RunMark;
  readonly proxy: string | undefined;
}

/**
 * Prepares the restore point of a set, from the disks that the user wants and that the platform takes. Pure.
 *
 * @throws FlashfreezeError FF_DISK_UNSUPPORTED if Azure makes no restore points of this VM, or of none of its disks
 */
export function preparePoint(
  {
    instance,
    manager,
    chosen,
    leftOut,
  }: Pick<ManagedSet, 'instance' | 'manager' | 'chosen' | 'leftOut'>,
  { collection, group, namePrefix, mark, proxy }: PointOptions,
): { readonly point: PreparedPoint; readonly leftOut: readonly DiskLeftOut[] } {
  const { vm, disks } = instance;
  const source = sourceOf(vm, disks);
  const refused = chosen.flatMap(({ disk }): DiskLeftOut[] => {
    const because = obstacleOf(disk);
    return because === undefined ? [] : [{ disk, because, isWanted: false }];
  });
  const taken = chosen.filter(({ disk }) => obstacleOf(disk) === undefined);
  const outside = [...leftOut, ...refused];
  if (taken.length === 0) {
    const reasons = outside.map(({ disk, because }) => `\n  ${labelOf(disk)}: ${because}`);
    throw unsupported(`a restore point can contain none of its disks.${reasons.join('')}`);
  }
  const point: PreparedPoint = {
    origin: manager.origin,
    proxy,
    vm: source,
    location: vm.location,
    collection: armId(
      { subscription: vm.subscription, group: group ?? vm.group },
      'restorePointCollections',
      collection,
    ),
    pointName: pointName(namePrefix, vm, mark),
    disks: taken,
    excluded: outside.map(({ disk }) => excludedId(disk)),
    clientRequestId: `${mark.runId}/0`,
    pollMs: pollMsFor(1),
  };
  return { point, leftOut: outside };
}

function sourceOf(vm: Vm, disks: readonly VmDisk[]): ArmId {
  if (vm.isConfidential) {
    throw unsupported('Azure makes no crash-consistent restore points of confidential VMs');
  }
  if (disks.some(({ isUnmanaged }) => isUnmanaged)) {
    throw unsupported(
      'Azure makes no restore points of VMs with page blobs (unmanaged disks): give their SAS URLs with --blob, without --managed',
    );
  }
  if (vm.resourceId === undefined) {
    throw unsupported(
      'the instance metadata gives no id of a single VM; Azure makes no restore points of uniform scale sets',
    );
  }
  return vm.resourceId;
}

/** Why Azure puts a disk into no crash-consistent restore point; undefined if it does. */
function obstacleOf({ sku, isWriteAccelerated }: VmDisk): string | undefined {
  switch (sku.toLowerCase()) {
    case 'ultrassd_lrs':
      return 'Azure takes no Ultra disks into crash-consistent restore points';
    case 'premiumv2_lrs':
      return 'Azure takes no Premium SSD v2 disks into crash-consistent restore points';
  }
  return isWriteAccelerated
    ? 'Azure takes no write-accelerated disks into crash-consistent restore points'
    : undefined;
}

function excludedId(disk: VmDisk): ArmId {
  if (disk.id === undefined) {
    throw unsupported(
      `${labelOf(disk)} would have to be excluded, but the instance metadata gives no usable id for it`,
    );
  }
  return disk.id;
}

function unsupported(because: string): FlashfreezeError {
  return new FlashfreezeError(
    'FF_DISK_UNSUPPORTED',
    `no restore point of this VM can be made: ${because}. Nothing was frozen. Without --restore-point, --managed takes a snapshot of each disk`,
  );
}

/** Prefix (default: the VM's name), time (UTC) and a short id. Pure. */
export function pointName(
  prefix: string | undefined,
  vm: Pick<Vm, 'name'>,
  { time, shortId }: Pick<RunMark, 'time' | 'shortId'>,
): string {
  const stamp = time.toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const tail = `-${stamp}-${shortId}`;
  const room = NAME_CHARACTERS - nameOfAttempt('', 99).length - tail.length;
  const head = (prefix ?? vm.name)
    .replaceAll(/[^\w.-]/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, room);
  return `${head === '' ? 'flashfreeze' : head}${tail}`;
}

const OWN_NAME = /^[A-Za-z0-9][\w.-]*-\d{8}T\d{6}Z-[0-9a-f]{8}(?:-\d{1,2})?$/;

/**
 * Whether a restore point is named as `pointName` and `nameOfAttempt` name it: nothing else says which ones flashfreeze made, because
 * they have no tags. Pure.
 */
export function isOwnPointName(name: string): boolean {
  return OWN_NAME.test(name);
}

/** Id of the restore point that an attempt of the run makes. */
export function pointId({ collection, pointName: name }: PreparedPoint, attempt: number): string {
  return `${collection.text}/restorePoints/${nameOfAttempt(name, attempt)}`;
}

export function collectionBody({ location, vm }: Pick<PreparedPoint, 'location' | 'vm'>): object {
  return { location, properties: { source: { id: vm.text } } };
}

/**
 * The body of the request for a point. Without this mode Azure would run its own snapshot extension, which freezes the file
 * systems too, while they are frozen here.
 */
export function pointBody({ excluded }: Pick<PreparedPoint, 'excluded'>): object {
  return {
    properties: {
      consistencyMode: 'CrashConsistent',
      ...(excluded.length > 0 && { excludeDisks: excluded.map(({ text }) => ({ id: text })) }),
    },
  };
}

/** Path and query of a collection or restore point. */
export function pointPath(id: string, expand?: 'restorePoints'): string {
  const path = armPath({ text: id });
  const more = expand === undefined ? '' : `&$expand=${expand}`;
  return `${path}?api-version=${POINT_API_VERSION}${more}`;
}
