import { OS_DISK_LUN } from '../../filesystems/plan-types.ts';
import type { ArmId } from './arm-id.ts';
import type { VmDisk } from './instance-metadata.ts';

/** A disk of the VM that a snapshot can be requested of. */
export interface ChosenDisk {
  readonly disk: VmDisk;
  readonly id: ArmId;
}

/** A disk of the VM that is left out, and the reason as the end of a sentence. */
export interface DiskLeftOut {
  readonly disk: VmDisk;
  readonly because: string;
  /** The user left it out. */
  readonly isWanted: boolean;
}

export interface DiskWishes {
  /** −1 for the OS disk; undefined: every disk. */
  readonly includeLuns: readonly number[] | undefined;
  readonly excludeLuns: readonly number[];
}

/** The disks that snapshots are taken of, and those that are left out. Pure. */
export function selectDisks(
  disks: readonly VmDisk[],
  { includeLuns, excludeLuns }: DiskWishes,
): { readonly chosen: readonly ChosenDisk[]; readonly leftOut: readonly DiskLeftOut[] } {
  const chosen: ChosenDisk[] = [];
  const leftOut: DiskLeftOut[] = [];
  for (const disk of disks) {
    const wish = wishAgainst(disk, includeLuns, excludeLuns);
    const obstacle = wish === undefined ? obstacleOf(disk) : undefined;
    const { id } = disk;
    if (wish !== undefined) {
      leftOut.push({ disk, because: wish, isWanted: true });
    } else if (obstacle !== undefined || id === undefined) {
      leftOut.push({ disk, because: obstacle ?? STRANGE_ID, isWanted: false });
    } else {
      chosen.push({ disk, id });
    }
  }
  return { chosen, leftOut };
}

/** LUNs of the options that no disk of the VM has. Pure. */
export function unknownLuns(disks: readonly VmDisk[], wishes: DiskWishes): number[] {
  const named = [...(wishes.includeLuns ?? []), ...wishes.excludeLuns];
  return named.filter((lun) => !disks.some((disk) => disk.lun === lun));
}

function wishAgainst(
  { lun }: VmDisk,
  includeLuns: readonly number[] | undefined,
  excludeLuns: readonly number[],
): string | undefined {
  if (excludeLuns.includes(lun)) {
    return 'it is named by --exclude-lun';
  }
  return includeLuns === undefined || includeLuns.includes(lun)
    ? undefined
    : 'it is not named by --include-lun';
}

const STRANGE_ID = 'the instance metadata gives no usable id for it';

function obstacleOf(disk: VmDisk): string | undefined {
  if (disk.isUnmanaged) {
    return 'it is a page blob: give its SAS URL with --blob in a run of its own';
  }
  if (disk.isEphemeral) {
    return 'it is an ephemeral OS disk, which Azure takes no snapshots of';
  }
  return disk.isShared
    ? 'it is shared with other VMs, and what they write is not frozen'
    : undefined;
}

/** How messages name a disk. */
export function labelOf({ name, lun }: Pick<VmDisk, 'name' | 'lun'>): string {
  return lun === OS_DISK_LUN ? `the OS disk (${name})` : `LUN ${lun} (${name})`;
}
