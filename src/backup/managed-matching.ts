import { FlashfreezeError } from '../errors.ts';
import { pathOfDisk } from '../filesystems/disks.ts';
import type { Disk, Plan } from '../filesystems/plan-types.ts';
import type { VmDisk } from '../snapshot/managed/instance-metadata.ts';
import { labelOf } from '../snapshot/managed/select-disks.ts';
import type { Preflight } from '../snapshot/snapshot-types.ts';
import type { NamedTarget } from './provider.ts';
import type { RunObserver } from './request.ts';
import type { Behind } from './whole-set/behind.ts';

/**
 * Finds the block device of each managed disk by its LUN. A disk without a device is not an error: it may be any device
 * whose LUN does not show, and if every device's shows, nothing of this machine is on it.
 *
 * @returns for each target, in order, what is known of its device
 * @throws FlashfreezeError FF_BLOB_MISMATCH if a device is larger than the disk that it should be
 */
export function behindManaged(
  plan: Pick<Plan, 'disks' | 'otherDisks'>,
  targets: readonly Pick<NamedTarget, 'name' | 'disk' | 'disks'>[],
  preflights: readonly Preflight[],
  observer: Pick<RunObserver, 'warn'>,
): Behind[] {
  const behind = lookUpManaged(plan, targets, observer);
  for (const [index, { disk }] of targets.entries()) {
    const device = disk === undefined ? undefined : deviceOf(disk, devicesOf(plan));
    const its = preflights[index];
    const sizeBytes = its?.ok === true ? its.sizeBytes : undefined;
    const doubt =
      disk === undefined || device === undefined ? undefined : sizeDoubt(disk, device, sizeBytes);
    if (doubt?.isAnother === true) {
      throw new FlashfreezeError(
        'FF_BLOB_MISMATCH',
        `${doubt.sentence}; nothing was frozen. ${ANOTHER_REMEDY}`,
      );
    }
    if (doubt !== undefined) {
      observer.warn(doubt.sentence);
    }
  }
  return behind;
}

/** As `behindManaged`, but without a look at the sizes. */
export function lookUpManaged(
  plan: Pick<Plan, 'disks' | 'otherDisks'>,
  targets: readonly Pick<NamedTarget, 'name' | 'disk' | 'disks'>[],
  observer: Pick<RunObserver, 'warn'>,
): Behind[] {
  const devices = devicesOf(plan);
  const nameless = devices.filter(mayBeAny).map(({ name }) => name);
  return targets.map(({ disk, disks }): Behind => {
    if (disks !== undefined) {
      return behindAll(disks, devices, nameless, observer);
    }
    const device = disk === undefined ? undefined : deviceOf(disk, devices);
    if (device !== undefined) {
      return { kind: 'disk', disk: device.name };
    }
    const label = disk === undefined ? 'a disk' : labelOf(disk);
    if (nameless.length > 0) {
      observer.warn(
        `no device shows the LUN of ${label}; it may be ${nameless.map(pathOfDisk).join(' or ')}, so their file systems wait for every snapshot`,
      );
      return { kind: 'one-of', disks: nameless };
    }
    observer.warn(
      `${label} has no device on this machine; its snapshot is taken too, but nothing that is frozen is on it`,
    );
    return { kind: 'foreign' };
  });
}

/** One request for several disks. Devices whose LUN does not show count as theirs if there are not more of them. */
function behindAll(
  disks: readonly VmDisk[],
  devices: readonly Disk[],
  nameless: readonly string[],
  observer: Pick<RunObserver, 'warn'>,
): Behind {
  const known = disks.flatMap((disk) => deviceOf(disk, devices)?.name ?? []);
  const unknown = disks.filter((disk) => deviceOf(disk, devices) === undefined);
  if (unknown.length > 0) {
    observer.warn(
      `${unknown.map(labelOf).join(', ')}: no device shows its LUN${nameless.length === 0 ? '; nothing that is frozen is on it' : `; it may be ${nameless.map(pathOfDisk).join(' or ')}`}`,
    );
  }
  return {
    kind: 'all-of',
    disks: [...known, ...(nameless.length <= unknown.length ? nameless : [])],
  };
}

function devicesOf({ disks, otherDisks = [] }: Pick<Plan, 'disks' | 'otherDisks'>): Disk[] {
  return [...disks, ...otherDisks];
}

function deviceOf({ kind, lun }: VmDisk, devices: readonly Disk[]): Disk | undefined {
  const found = devices.filter(({ role, lun: its }) =>
    kind === 'os' ? role === 'os' : role === 'data' && its === lun,
  );
  return found.length === 1 ? found[0] : undefined;
}

/** A disk of a driver that says nothing of its place. */
function mayBeAny({ role, name, isElsewhere }: Disk): boolean {
  return role === undefined && isElsewhere !== true && !name.startsWith('loop');
}

/** What the sizes of a managed disk and of its device say against each other. */
export interface SizeDoubt {
  readonly sentence: string;
  /** The device cannot be this disk: a run is refused. */
  readonly isAnother: boolean;
}

export const ANOTHER_REMEDY =
  'A disk may have been exchanged a moment ago: try again, or leave it out with --exclude-lun';

/** Undefined if nothing does. Pure. */
export function sizeDoubt(
  disk: VmDisk,
  { path, sizeBytes }: Pick<Disk, 'path' | 'sizeBytes'>,
  its: number | undefined,
): SizeDoubt | undefined {
  if (its === undefined || its === sizeBytes) {
    return undefined;
  }
  return sizeBytes > its
    ? {
        sentence: `${path} (${sizeBytes} bytes) cannot be ${labelOf(disk)}, which has ${its} bytes`,
        isAnother: true,
      }
    : {
        sentence: `${path} shows ${sizeBytes} bytes, but ${labelOf(disk)} has ${its}: it was made larger and has not been scanned again since`,
        isAnother: false,
      };
}
