import { readdirSync } from 'node:fs';
import { readFile, rm, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type CommandResult, runCommand, tryCommand } from './run-command.ts';
import { unmount } from './unmount.ts';

/** Attaches an image; resolves to `/dev/loopN`. */
export function attachImage(imagePath: string): Promise<string> {
  // Asks for the next free device, makes its node, and tries again if another process was faster.
  return runCommand('losetup', ['--find', '--show', '--partscan', imagePath]);
}

/** Detaches it at once, or, if it is in use, when its last user goes. */
export async function detachDevice(device: string): Promise<void> {
  await runCommand('losetup', ['--detach', device]);
}

const LOOK_MS = 20;
/** Against hangs only. */
const DETACH_LIMIT_MS = 60_000;

/**
 * Resolves when a detached device has no image any more, so that the file system with the image can be unmounted:
 * another process may read the device, such as a command of another lab that compares the heads of all disks. The kernel
 * sends no event that could be waited for without udev.
 */
export async function untilDetached(loop: {
  readonly device: string;
  readonly imagePath: string;
}): Promise<void> {
  const backingFile = `/sys/block/${basename(loop.device)}/loop/backing_file`;
  const deadline = Date.now() + DETACH_LIMIT_MS;
  const isAttached = async (): Promise<boolean> =>
    (await readFile(backingFile, 'utf8').catch(() => '')).startsWith(loop.imagePath);
  while ((await isAttached()) && Date.now() < deadline) {
    await delay(LOOK_MS);
  }
}

/** What the table and the alignment take. */
const MOST_AROUND_PARTITION = 4 * 2 ** 20;
const PARTITION_TRIES = 50;

/** Partitions the device of that image (GPT, one partition); resolves to the partition's device. */
export async function partition(device: string, imagePath: string): Promise<string> {
  // --no-reread, --no-tell-kernel: partx(8) does that, even if the kernel knows no GPT.
  await runCommand(
    'sfdisk',
    ['--quiet', '--no-reread', '--no-tell-kernel', device],
    'label: gpt\n,,L\n',
  );
  const node = `${device}p1`;
  const { size: imageBytes } = await stat(imagePath);
  for (let tries = 1; ; tries += 1) {
    await runCommand('partx', ['--update', device]);
    // A node whose size was not that of the partition in /sys was seen, and stayed for the device's next users.
    const seen = await tryCommand('blockdev', ['--getsize64', node]);
    if (seen.code === 0 && Number(seen.stdout) >= imageBytes - MOST_AROUND_PARTITION) {
      return node;
    }
    if (tries === PARTITION_TRIES) {
      throw new Error(`${node} is no partition of ${imagePath}: ${await describeNode(node, seen)}`);
    }
    await rm(node, { force: true });
    await tryCommand('partx', ['--delete', device]);
    await delay(LOOK_MS);
  }
}

/** What it is, and what /sys shows of the disk and the partition. */
async function describeNode(node: string, { stdout, stderr }: CommandResult): Promise<string> {
  const look =
    'stat --format="%F %t:%T %s" "$0"; losetup "/dev/$1"; grep . "/sys/block/$1/size" "/sys/block/$1/$1p1/dev" "/sys/block/$1/$1p1/size"';
  const shown = await tryCommand('sh', ['-c', look, node, basename(node).replace(/p1$/, '')]);
  return [stdout, stderr, shown.stdout, shown.stderr].join('; ');
}

/** Mounts the first device; the others belong to the same (btrfs) file system. */
export async function mountDevices(
  devices: readonly string[],
  type: string,
  mountPoint: string,
): Promise<void> {
  const [first = '', ...others] = devices;
  const options = ['noatime', ...others.map((device) => `device=${device}`)];
  await runCommand('mount', ['-t', type, '-o', options.join(','), first, mountPoint]);
}

/** Thaws what is frozen and unmounts. A frozen file system stays frozen when it is unmounted. */
export async function thawAndUnmount(mountPoint: string): Promise<void> {
  if ((await tryCommand('mountpoint', ['--quiet', mountPoint])).code !== 0) {
    return;
  }
  await thawCompletely(mountPoint);
  await unmount(mountPoint);
}

/** Thaws until FITHAW says that the file system is not frozen. */
export async function thawCompletely(mountPoint: string): Promise<void> {
  let wasFrozen = true;
  while (wasFrozen) {
    wasFrozen = (await tryCommand('fsfreeze', ['--unfreeze', mountPoint])).code === 0;
  }
}

export interface LoopDevice {
  /** `/dev/loopN` */
  readonly name: string;
  /** Its own device number, `major:minor`. */
  readonly number: string;
  /** Device number of the file system that holds its image. */
  readonly imageOn: string;
  /** `/dev/loopNpM` */
  readonly partitions: readonly string[];
}

interface Listing {
  readonly loopdevices: readonly Readonly<Record<string, string>>[];
}

/** Every loop device of the machine, the lab's and others'. */
export async function listLoopDevices(): Promise<LoopDevice[]> {
  const listing = await tryCommand('losetup', [
    ...['--list', '--json', '--output', 'NAME,MAJ:MIN,BACK-MAJ:MIN'],
  ]);
  if (listing.stdout.trim() === '') {
    return []; // What it prints if there is none.
  }
  const { loopdevices } = JSON.parse(listing.stdout) as Listing;
  return loopdevices.map((row) => {
    const name = row.name ?? '';
    return {
      name,
      number: row['maj:min']?.trim() ?? '',
      imageOn: row['back-maj:min']?.trim() ?? '',
      partitions: partitionsOf(name),
    };
  });
}

function partitionsOf(device: string): string[] {
  const name = basename(device);
  try {
    const entries = readdirSync(`/sys/block/${name}`);
    return entries.filter((entry) => entry.startsWith(`${name}p`)).map((entry) => `/dev/${entry}`);
  } catch {
    return []; // Detached meanwhile.
  }
}
