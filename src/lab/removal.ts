import { closeSync, existsSync, mkdirSync, openSync, readSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { LAB_DIRECTORY } from './lab-paths.ts';
import { type LoopDevice, listLoopDevices } from './loop-devices.ts';
import { type MountedFileSystem, parseMountInfo } from './mounts.ts';
import { tryCommand } from './run-command.ts';

/** Types that FIFREEZE freezes and the lab mounts. */
const FREEZABLE: ReadonlySet<string> = new Set(['ext2', 'ext3', 'ext4', 'xfs', 'btrfs']);
/** A thaw that came before its freeze ended is lost, so thaws are repeated at this interval. */
const REPEAT_MS = 20;
const DETACH_LIMIT_MS = 1000;

/**
 * The mounts of a mount namespace, readable after the lab's own /proc has covered the machine's
 * (there /proc/self does not show a process outside the lab's pid namespace).
 */
export class MountTable implements Disposable {
  readonly #descriptor: number;

  /** `descriptor`: an open /proc/<pid>/mountinfo; that of this process if left out. */
  constructor(descriptor = openSync('/proc/self/mountinfo', 'r')) {
    this.#descriptor = descriptor;
  }

  /** File systems that can be frozen; in the lab these are the lab's disks alone. */
  disks(): MountedFileSystem[] {
    return parseMountInfo(this.#read()).filter(({ type }) => FREEZABLE.has(type));
  }

  #read(): string {
    const chunks: Buffer[] = [];
    const buffer = Buffer.alloc(65_536);
    let position = 0;
    for (let count = -1; count !== 0; position += count) {
      count = readSync(this.#descriptor, buffer, 0, buffer.length, position);
      chunks.push(Buffer.from(buffer.subarray(0, count)));
    }
    return Buffer.concat(chunks).toString('utf8');
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }
}

/**
 * Takes the lab's disks away, whatever state its end has left them in. Everything here runs on
 * while some of it may be stuck: a thaw blocks as long as what it lies on is frozen.
 */
export class DiskRemoval {
  readonly #mounts: MountTable;
  readonly #inHand = new Set<string>();
  readonly #broughtBack = new Set<string>();
  #lastFailure = '';
  readonly #tmpfs = deviceNumber(LAB_DIRECTORY);
  /**
   * Device numbers of file systems that hold images of the lab. One that is unmounted (lazily) is kept as long as there is a
   * loop device on it: from then on the kernel may give its number to a file system of another lab.
   */
  readonly #holders = new Set([this.#tmpfs]);

  constructor(mounts: MountTable) {
    this.#mounts = mounts;
  }

  /**
   * Thaws every disk again and again until `ended` settles: a process in uninterruptible sleep
   * behind a freeze cannot be killed, and one that is stuck inside FIFREEZE may freeze its file
   * system after the first thaw.
   */
  async thawUntil(ended: Promise<unknown>): Promise<void> {
    const state = { over: false };
    const over = ended.finally(() => {
      state.over = true;
    });
    while (!state.over) {
      this.#thawMounted();
      await Promise.race([over, this.#bringBack().then(() => delay(REPEAT_MS))]);
    }
  }

  /** When nothing runs in the lab any more. Rejects if a loop device is left. */
  async remove(): Promise<void> {
    // A round for the disks, one for what had been unmounted while frozen, one for images on those.
    for (let round = 0; round < 3; round += 1) {
      await this.#unmountAll();
      if ((await this.#remainingLoops()).length === 0) {
        return;
      }
      await this.#bringBack();
    }
    await this.#unmountAll();
    const loops = await this.#ownLoops();
    await Promise.all(loops.map(({ name }) => this.#attempt('losetup', ['--detach', name])));
    const left = (await this.#remainingLoops()).map(({ name }) => name);
    if (left.length > 0) {
      throw new Error(`The lab could not remove ${left.join(', ')}: ${this.#lastFailure}`);
    }
  }

  /** The kernel detaches a loop device a few ms after the last user has gone. */
  async #remainingLoops(): Promise<LoopDevice[]> {
    for (let waited = 0; waited < DETACH_LIMIT_MS; waited += REPEAT_MS) {
      if ((await this.#ownLoops()).length === 0) {
        return [];
      }
      await delay(REPEAT_MS);
    }
    return this.#ownLoops();
  }

  #thawMounted(): void {
    for (const { mountPoint } of this.#mounts.disks()) {
      if (!this.#inHand.has(mountPoint)) {
        this.#inHand.add(mountPoint);
        const thaw = tryCommand('fsfreeze', ['--unfreeze', mountPoint]);
        void thaw.finally(() => this.#inHand.delete(mountPoint));
      }
    }
  }

  /**
   * A file system that was unmounted while frozen stays frozen and keeps its device and its writers.
   * Mounting the device again brings the same superblock back, and then it can be thawed.
   */
  async #bringBack(): Promise<void> {
    const mounted = new Set(this.#mounts.disks().map(({ source }) => source));
    const names = (await this.#ownLoops()).flatMap(({ name, partitions }) => [name, ...partitions]);
    const lost = names.filter((name) => !mounted.has(name) && !this.#broughtBack.has(name));
    for (const device of lost) {
      this.#broughtBack.add(device);
      const mountPoint = join(LAB_DIRECTORY, `lost-${basename(device)}`);
      mkdirSync(mountPoint, { recursive: true });
      // Fails where the device holds no file system, or is one of several of a mounted one.
      await tryCommand('mount', ['--no-mtab', device, mountPoint]);
    }
  }

  async #unmountAll(): Promise<void> {
    this.#learnHolders();
    if (!existsSync('/proc/self')) {
      // The lab's /proc shows nothing any more, and umount(8) needs one; below is the machine's.
      await this.#attempt('umount', ['--no-mtab', '--internal-only', '/proc']);
    }
    for (const { mountPoint } of this.#mounts.disks().reverse()) {
      await tryCommand('fsfreeze', ['--unfreeze', mountPoint]);
      await this.#attempt('umount', ['--lazy', mountPoint]);
    }
  }

  async #attempt(program: string, args: readonly string[]): Promise<void> {
    const { code, stderr } = await tryCommand(program, args);
    this.#lastFailure = code === 0 ? this.#lastFailure : stderr.trim();
  }

  #learnHolders(): void {
    for (const { device, mountPoint } of this.#mounts.disks()) {
      this.#holders.add(device);
      // btrfs shows another number in stat(2) than in mountinfo.
      this.#holders.add(deviceNumber(mountPoint));
    }
  }

  /** Loop devices whose image lies on the lab's tmpfs or on one of its disks. */
  async #ownLoops(): Promise<LoopDevice[]> {
    this.#learnHolders();
    const all = await listLoopDevices();
    const own = loopsOn(this.#holders, all);
    const mounted = new Set(this.#mounts.disks().map(({ device }) => device));
    for (const number of this.#holders) {
      const isHeld = number === this.#tmpfs || mounted.has(number);
      if (!isHeld && !own.some(({ imageOn }) => imageOn === number)) {
        this.#holders.delete(number);
      }
    }
    return own.reverse();
  }
}

/** The loop devices whose image lies on one of these file systems, or on one in such an image; after those they lie on. */
export function loopsOn(
  fileSystems: ReadonlySet<string>,
  all: readonly LoopDevice[],
): LoopDevice[] {
  const holders = new Set(fileSystems);
  const own = new Set<LoopDevice>();
  // Each pass finds those whose image lies on a disk that the pass before has found.
  for (let known = -1; known < own.size; ) {
    known = own.size;
    for (const loop of all.filter(({ imageOn }) => holders.has(imageOn))) {
      own.add(loop);
      holders.add(loop.number);
    }
  }
  return [...own];
}

/** `major:minor` of the file system that holds the path (the kernel's encoding of dev_t). */
function deviceNumber(path: string): string {
  const { dev } = statSync(path);
  const major = Math.floor(dev / 256) % 4096;
  const minor = (dev % 256) + Math.floor(dev / 2 ** 20) * 256;
  return `${major}:${minor}`;
}
