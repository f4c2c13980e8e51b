import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LabDisks } from '../../src/lab/disks.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { unmount } from '../../src/lab/unmount.ts';
import { DaemonProcess } from '../../test/deadlock/daemon-process.ts';
import type { Surroundings } from './surroundings.ts';

const DIRECTORY = '/lab/silent';

/**
 * A file system whose only mount point lies on a FUSE mount that does not answer: whoever opens it waits until it is
 * disposed of.
 */
export class SilentMount implements Surroundings {
  readonly #resources: AsyncDisposableStack;

  private constructor(resources: AsyncDisposableStack) {
    this.#resources = resources;
  }

  static async create(): Promise<SilentMount> {
    await using resources = new AsyncDisposableStack();
    const served = join(DIRECTORY, 'served');
    await mkdir(served, { recursive: true });
    resources.defer(() => rm(DIRECTORY, { recursive: true }));
    const content = join(DIRECTORY, 'content');
    await writeFile(content, 'x'.repeat(4096));
    const { disks } = resources.use(await LabDisks.create([{ type: 'ext4', sizeMb: 16 }]));
    const { mountPoint = '', mounted = '' } = disks[0] ?? {};
    await writeFile(join(mountPoint, 'file'), '');
    const args = [served, content, join(DIRECTORY, 'log'), 'keep', '0', 'asked'];
    const daemon = resources.use(await DaemonProcess.start('fuse-image-server', args));
    resources.defer(() => unmount(served));
    const silent = join(served, 'image');
    await runCommand('mount', ['--bind', join(mountPoint, 'file'), silent]);
    resources.defer(() => unmount(silent));
    await unmount(mountPoint);
    // The disk is disposed of where it was made.
    resources.defer(async () => void (await runCommand('mount', [mounted, mountPoint])));
    process.kill(daemon.pid, 'SIGSTOP');
    resources.defer(() => void process.kill(daemon.pid, 'SIGCONT'));
    return new SilentMount(resources.move());
  }

  async problems(): Promise<string[]> {
    return [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources[Symbol.asyncDispose]();
  }
}
