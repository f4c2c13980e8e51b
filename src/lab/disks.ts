import { mkdir, open, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { FlashfreezeError } from '../errors.ts';
import {
  attachImage,
  detachDevice,
  mountDevices,
  partition,
  thawAndUnmount,
  untilDetached,
} from './loop-devices.ts';
import { isInsideLab } from './namespace.ts';
import { mapAtOnce, runCommand } from './run-command.ts';

export type LabFileSystemType = 'ext3' | 'ext4' | 'xfs' | 'btrfs';

export interface DiskSpec {
  readonly type: LabFileSystemType;
  /** Default: the least that its mkfs takes comfortably; images are sparse. */
  readonly sizeMb?: number;
  /** `gpt` puts the file system on the only partition of a partition table. Default `bare`. */
  readonly layout?: 'bare' | 'gpt';
  /** The image lies on that earlier disk's file system instead of on the lab's tmpfs. */
  readonly imageOn?: number;
  /** One more device for the same file system (btrfs only): the disk's `others` names it. */
  readonly devices?: 1 | 2;
}

export interface LabDevice {
  /** `/dev/loopN`: the whole disk. */
  readonly device: string;
  /** `loopN` */
  readonly deviceName: string;
  readonly imagePath: string;
  readonly sizeBytes: number;
}

export interface LabDisk extends LabDevice {
  readonly index: number;
  readonly type: LabFileSystemType;
  readonly mountPoint: string;
  /** What is mounted: the device, or its partition. */
  readonly mounted: string;
  /** Further devices of the same file system. */
  readonly others: readonly LabDevice[];
}

/** xfs refuses less than 300 MB; btrfs mixed groups aside, 128 MB is comfortable for the others. */
const DEFAULT_SIZE_MB: Readonly<Record<LabFileSystemType, number>> = {
  ext3: 64,
  ext4: 64,
  xfs: 320,
  btrfs: 160,
};
const MAX_DISKS = 256;
/** mkfs and mount are mostly waiting for the kernel. */
const AT_ONCE = 8;
type CommandLine = readonly string[];
const MKFS: Readonly<Record<LabFileSystemType, CommandLine>> = {
  ext3: ['mkfs.ext3', '-q', '-F', '-m', '0', '-J', 'size=4', '-E', 'lazy_itable_init=1'],
  ext4: [
    ...['mkfs.ext4', '-q', '-F', '-m', '0', '-J', 'size=4'],
    ...['-E', 'lazy_itable_init=1,lazy_journal_init=1'],
  ],
  xfs: ['mkfs.xfs', '-q', '-f', '-K'],
  btrfs: ['mkfs.btrfs', '-q', '-f', '-K', '-d', 'single', '-m', 'single'],
};
/** RAID0 over two devices: every file's extents lie on both. */
const MKFS_BTRFS_RAID0: CommandLine = [
  'mkfs.btrfs',
  '-q',
  '-f',
  '-K',
  '-d',
  'raid0',
  '-m',
  'raid1',
];

let created = 0;

/**
 * Disks with mounted file systems, on loop devices whose images lie on the lab's tmpfs. A loop
 * device detaches itself when its file system is unmounted. Only inside the lab (FF_LAB_UNAVAILABLE
 * elsewhere): there, whatever a crash leaves is removed.
 */
export class LabDisks implements AsyncDisposable {
  readonly #made: readonly Making[];

  private constructor(made: readonly Making[]) {
    this.#made = made;
  }

  /** In the order of the specifications. */
  get disks(): readonly LabDisk[] {
    return this.#made.flatMap(({ disk }) => (disk === undefined ? [] : [disk]));
  }

  /** Everything is mounted when it resolves. Rejects, with nothing left, if one cannot be made. */
  static async create(specs: readonly DiskSpec[]): Promise<LabDisks> {
    refuse(specs);
    created += 1;
    const directory = `/lab/set${created}`;
    const all = specs.map((spec, index): Making => ({ spec, index, directory, disk: undefined }));
    const made = new LabDisks(all);
    try {
      const independent = all.filter(({ spec }) => spec.imageOn === undefined);
      await mapAtOnce(independent, AT_ONCE, (each) => make(each, directory));
      for (const each of all.filter(({ spec }) => spec.imageOn !== undefined)) {
        await make(each, all[each.spec.imageOn ?? 0]?.disk?.mountPoint ?? directory);
      }
      return made;
    } catch (error) {
      await made[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Thaws and unmounts; those in images on other disks first. Rejects if one is in use. */
  async [Symbol.asyncDispose](): Promise<void> {
    const release = (each: Making): Promise<void> => thawAndUnmount(mountPointOf(each));
    for (const each of this.#made.filter(({ spec }) => spec.imageOn !== undefined).reverse()) {
      await release(each);
      if (each.disk !== undefined) {
        await untilDetached(each.disk);
      }
    }
    const independent = this.#made.filter(({ spec }) => spec.imageOn === undefined);
    await mapAtOnce(independent, AT_ONCE, release);
    await rm(this.#made[0]?.directory ?? '', { recursive: true, force: true });
  }
}

interface Making {
  readonly spec: DiskSpec;
  readonly index: number;
  readonly directory: string;
  disk: LabDisk | undefined;
}

function refuse(specs: readonly DiskSpec[]): void {
  const reason = refusal(specs);
  if (reason !== undefined) {
    throw new FlashfreezeError('FF_LAB_UNAVAILABLE', reason);
  }
}

function refusal(specs: readonly DiskSpec[]): string | undefined {
  if (!isInsideLab()) {
    return 'Disks are made inside the lab only: call enterLab() first.';
  }
  if (specs.length > MAX_DISKS) {
    return `A lab has at most ${MAX_DISKS} disks, not ${specs.length}.`;
  }
  const lost = specs.findIndex(({ imageOn }, index) => imageOn !== undefined && imageOn >= index);
  if (lost >= 0) {
    return `Disk ${lost} must lie on an earlier disk, not on disk ${specs[lost]?.imageOn}.`;
  }
  return undefined;
}

function mountPointOf({ directory, index }: Making): string {
  return join(directory, `disk${index}`);
}

async function make(each: Making, imageDirectory: string): Promise<void> {
  const { spec, index } = each;
  const sizeBytes = (spec.sizeMb ?? DEFAULT_SIZE_MB[spec.type]) * 2 ** 20;
  const mountPoint = mountPointOf(each);
  await mkdir(mountPoint, { recursive: true });
  const names =
    spec.devices === 2 ? [`disk${index}.img`, `disk${index}b.img`] : [`disk${index}.img`];
  const devices: LabDevice[] = [];
  try {
    for (const name of names) {
      devices.push(await makeDevice(join(imageDirectory, name), sizeBytes));
    }
    const mounted = await makeFileSystem(spec, devices);
    await mountDevices(mounted, spec.type, mountPoint);
    const [first, ...others] = devices;
    const [source] = mounted;
    if (first !== undefined && source !== undefined) {
      each.disk = { ...first, index, type: spec.type, mountPoint, mounted: source, others };
    }
  } finally {
    // Mounted or not: from now on the kernel detaches them when the last user goes.
    await Promise.all(devices.map(({ device }) => detachDevice(device)));
  }
}

async function makeDevice(imagePath: string, sizeBytes: number): Promise<LabDevice> {
  await using image = await open(imagePath, 'wx');
  await image.truncate(sizeBytes);
  const device = await attachImage(imagePath);
  return { device, deviceName: basename(device), imagePath, sizeBytes };
}

/** Resolves to what is to be mounted: the devices, or the partition. */
async function makeFileSystem(spec: DiskSpec, devices: readonly LabDevice[]): Promise<string[]> {
  const targets = await Promise.all(
    devices.map(({ device, imagePath }) =>
      spec.layout === 'gpt' ? partition(device, imagePath) : device,
    ),
  );
  const [program = '', ...options] = spec.devices === 2 ? MKFS_BTRFS_RAID0 : MKFS[spec.type];
  await runCommand(program, [...options, ...targets]);
  if (spec.type === 'xfs') {
    await Promise.all(devices.map(({ imagePath }) => giveBackZeros(imagePath)));
  }
  return targets;
}

/** mkfs.xfs writes a log of 64 MB, all zeros: as holes they cost no memory. */
async function giveBackZeros(imagePath: string): Promise<void> {
  await runCommand('fallocate', ['--dig-holes', imagePath]);
}
