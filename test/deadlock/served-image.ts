import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { unmount } from '../../src/lab/unmount.ts';
import { DaemonProcess } from './daemon-process.ts';

const FOLDER = '/lab/served';
/** There is one at a time. */
export const SERVED_IMAGE = join(FOLDER, 'image');

/** A file, SERVED_IMAGE, that a FUSE daemon serves, until the daemon is stopped: then whatever reads or opens it waits. */
export class ServedImage implements AsyncDisposable {
  readonly #daemon: DaemonProcess;
  readonly #resources: AsyncDisposableStack;

  private constructor(daemon: DaemonProcess, resources: AsyncDisposableStack) {
    this.#daemon = daemon;
    this.#resources = resources;
  }

  /** @param content path of a file with what is served */
  static async create(content: string): Promise<ServedImage> {
    await using resources = new AsyncDisposableStack();
    await mkdir(FOLDER);
    resources.defer(() => rm(FOLDER, { recursive: true }));
    const args = [FOLDER, content, '/lab/served.log', 'keep', '0', 'asked'];
    const daemon = resources.use(await DaemonProcess.start('fuse-image-server', args));
    resources.defer(() => unmount(FOLDER));
    return new ServedImage(daemon, resources.move());
  }

  /** Until what is returned is disposed of, which has to come before the end of all that uses the file. */
  stop(): Disposable {
    process.kill(this.#daemon.pid, 'SIGSTOP');
    return { [Symbol.dispose]: () => void process.kill(this.#daemon.pid, 'SIGCONT') };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources[Symbol.asyncDispose]();
  }
}
