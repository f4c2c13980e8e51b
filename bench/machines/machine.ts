/** A storage stack, made on the disks of one machine by guest/storage/<name>.sh. */
export interface Machine {
  readonly name: string;
  /** What it is for, in the table. */
  readonly shows: string;
  /** MB of each data disk: the first is ubdb. */
  readonly disks: readonly number[];
  readonly fileSystems: readonly MachineFileSystem[];
  /** What is mounted besides and must not be frozen, with the reason the plan gives. */
  readonly excluded?: readonly { readonly at: string; readonly reason: string }[];
  /** What goes on while the snapshot is taken. */
  readonly operation?: Operation;
}

/** By begin_operation, show_operation and end_operation of the storage script. */
export interface Operation {
  /** What becomes of the run: one instant, a result that says that it is none, or no snapshot at all. */
  readonly expects: 'consistent' | 'not-shown' | 'refused';
  /** The check by which doctor warns of it. */
  readonly foretold?: string;
}

export type MachineFileSystemType = 'ext2' | 'ext3' | 'ext4' | 'xfs' | 'btrfs' | 'f2fs' | 'nilfs2';

export interface MachineFileSystem {
  readonly at: string;
  readonly type: MachineFileSystemType;
  /** As the storage script names it, in both boots; a path that is not in /dev is an image on one of the others. */
  readonly device: string;
  /** Further devices of a btrfs. */
  readonly others?: readonly string[];
  /** Device of an xfs log. */
  readonly log?: string;
  /** Device of an xfs realtime section. */
  readonly realtime?: string;
  /** Of the loop device that an image is read through. */
  readonly sectorBytes?: number;
  /** Of mount(8), in both boots. */
  readonly options?: string;
  /** Kernel names of disks that lie under it and that lsblk does not show there. */
  readonly also?: readonly string[];
}

/** The disk that the machine boots from. */
export const OS_DISK = 'ubda';
/** Device number space of a UML block device: the OS disk, and in the second boot the snapshot of it. */
const MOST_DATA_DISKS = 14;
const FIRST_LETTER = 'b'.charCodeAt(0);

/** Kernel name of the data disk with that index; RangeError above what a machine can have. */
export function dataDiskName(index: number): string {
  if (index >= MOST_DATA_DISKS) {
    throw new RangeError(`a machine has at most ${MOST_DATA_DISKS} data disks`);
  }
  return `ubd${String.fromCharCode(FIRST_LETTER + index)}`;
}

/** The root file system, as the second boot sees the snapshot of its disk. */
export function rootFileSystem(machine: Machine): MachineFileSystem {
  const snapshot = dataDiskName(machine.disks.length);
  return { at: '/', type: 'ext4', device: `/dev/${snapshot}1` };
}
