import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { compile, type ProgramName } from './compile.ts';
import { kernelWait } from './kernel-wait.ts';

/** Whether a daemon keeps its log open, so that /proc shows it, or opens it for every line. */
export type LogHabit = 'keep' | 'reopen';

/** One of the daemons in `programs/`, from the moment it is ready to its end. */
export class DaemonProcess implements AsyncDisposable {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.#ended = once(child, 'exit');
  }

  static async start(name: ProgramName, args: readonly string[]): Promise<DaemonProcess> {
    const program = await compile(name);
    // Its standard streams are pipes, so every descriptor that can write to a file is its log.
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const daemon = new DaemonProcess(child);
    let complaint = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      complaint += chunk.toString();
    });
    const failed = daemon.#ended.then(() => Promise.reject(new Error(`${name}: ${complaint}`)));
    failed.catch(() => {});
    await Promise.race([once(child.stdout ?? child, 'data'), failed]);
    return daemon;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** For `silent-daemon`: from now on its group is visible. */
  show(): void {
    this.#child.stdin?.write('\n');
  }

  /** Resolves when it waits for a frozen file system to be thawed. */
  async blockedByFreeze(): Promise<void> {
    await kernelWait(this.pid, 'percpu_rwsem_wait');
  }

  /** Ends it. Call it when nothing that the daemon waits for is frozen any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}
