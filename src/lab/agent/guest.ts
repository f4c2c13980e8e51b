import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { BlobSource } from '../azurite.ts';
import { type DiskSpec, LabDisks } from '../disks.ts';
import { thawCompletely } from '../loop-devices.ts';
import { signalProcess } from '../processes.ts';
import { SYSTEM_PATH } from '../requirements.ts';
import { tryCommand } from '../run-command.ts';
import { GuestDisk } from './guest-disk.ts';
import { BARE, type GuestKind } from './guest-kind.ts';
import { type GuestProcess, processesBeside } from './guest-processes.ts';

const REPEAT_MS = 20;
/** Each look reads all of the guest's processes and threads in /proc. */
const LOOK_MS = 50;
/** Against hangs only. */
const LIMIT_MS = 120_000;
/** Where a guest's programs are. */
export const GUEST_PATH = '/usr/sbin:/usr/bin:/sbin:/bin';

export interface GuestProgram {
  /** In the guest. */
  readonly directory: string;
  /** All of it: nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  readonly stdio: StdioOptions;
  /** A program of the lab's and its arguments to run it under, e.g. `strace`. */
  readonly under?: readonly string[];
}

/**
 * A virtual machine as far as flashfreeze can tell: a minimal Debian whose `/` is a loop device, further
 * disks at `/data/disk<n>`, a mount and a pid namespace of its own. Its network is the lab's
 * loopback. The lab sees the same file systems: `root` and `disks`. Only inside the lab, which
 * thaws and removes everything whatever happens here.
 */
export class Guest implements AsyncDisposable {
  readonly disks: LabDisks;
  readonly rootDisk: GuestDisk;
  readonly #kind: GuestKind;
  #running: Running | undefined;

  private constructor(rootDisk: GuestDisk, disks: LabDisks, kind: GuestKind) {
    this.rootDisk = rootDisk;
    this.disks = disks;
    this.#kind = kind;
  }

  /** Resolves when it is up. */
  static async create(specs: readonly DiskSpec[], kind: GuestKind = BARE): Promise<Guest> {
    await using made = new AsyncDisposableStack();
    const rootDisk = made.use(await GuestDisk.create(kind.recipe));
    const disks = made.use(await LabDisks.create(specs));
    const guest = new Guest(rootDisk, disks, kind);
    await guest.boot();
    made.move();
    return guest;
  }

  /** The lab's path of a file on the guest's root file system. */
  path(...inGuest: readonly string[]): string {
    return join(this.rootDisk.mountPoint, ...inGuest);
  }

  /** What snapshots are taken of: the root disk, then the others. */
  get blobSources(): readonly (BlobSource & { readonly imagePath: string })[] {
    return [this.rootDisk, ...this.disks.disks];
  }

  /** Every file system of the guest that can be frozen, by its mount point in the lab. */
  get mountPoints(): readonly string[] {
    return [this.rootDisk, ...this.disks.disks].map(({ mountPoint }) => mountPoint);
  }

  /** The guest's `/run`, `/tmp` and all else that is mounted there, as the lab reaches it. */
  get liveRoot(): string {
    return `/proc/${this.#init}/root`;
  }

  /** Everything that runs in it beside what it consists of itself, such as its first process. */
  processes(): GuestProcess[] {
    const all = this.#running === undefined ? [] : processesBeside(this.#running.init);
    return all.filter((process) => !this.#kind.isPart(process));
  }

  /** Resolves when nothing runs in it any more. Rejects, naming what does, after `limitMs`. */
  async settled(limitMs = LIMIT_MS): Promise<void> {
    const deadline = Date.now() + limitMs;
    for (let left = this.processes(); left.length > 0; left = this.processes()) {
      if (Date.now() > deadline) {
        const names = left.map(({ pid, commandLine }) => `${pid} ${commandLine.join(' ')}`);
        throw new Error(`still running in the guest after ${limitMs} ms: ${names.join('; ')}`);
      }
      await delay(LOOK_MS);
    }
  }

  /** Starts a program in the guest, as the leader of its own process group. */
  spawn(argv: readonly string[], program: GuestProgram): ChildProcess {
    const environment = Object.entries(program.environment).map(
      ([key, value]) => `${key}=${value}`,
    );
    const [first = 'nsenter', ...rest] = [...(program.under ?? []), 'nsenter'];
    return spawn(
      first,
      [
        ...rest,
        ...['--target', String(this.#init), '--mount', '--pid', '--'],
        ...['env', '--ignore-environment', `--chdir=${program.directory}`, ...environment, ...argv],
      ],
      { detached: true, stdio: program.stdio },
    );
  }

  /** The mount points that were frozen, which now are not any more. */
  async thawAll(): Promise<string[]> {
    const frozen: string[] = [];
    for (const mountPoint of this.mountPoints) {
      if ((await tryCommand('fsfreeze', ['--unfreeze', mountPoint])).code === 0) {
        frozen.push(mountPoint);
        await thawCompletely(mountPoint);
      }
    }
    return frozen;
  }

  async boot(): Promise<void> {
    const moves = this.disks.disks.flatMap(({ mountPoint, index }) => [
      mountPoint,
      `/data/disk${index}`,
    ]);
    const supervisor = spawn(
      'unshare',
      [
        ...['--mount', '--pid', '--fork', '--kill-child', '--propagation', 'private'],
        ...this.#kind.bootArguments([this.rootDisk.mountPoint, ...moves]),
      ],
      { stdio: ['ignore', 'ignore', 'pipe', 'pipe'], env: { PATH: SYSTEM_PATH } },
    );
    let complaint = '';
    supervisor.stderr?.on('data', (chunk: Buffer) => {
      complaint += chunk.toString();
    });
    const exited = once(supervisor, 'exit');
    const report = supervisor.stdio[3] as Readable;
    const said = await Promise.race([once(report, 'data'), exited.then(() => undefined)]);
    const init = Number(String(said?.[0] ?? ''));
    if (!(init > 1)) {
      await this.#kind.down();
      throw new Error(`The guest did not start: ${complaint.trim()}`);
    }
    this.#running = { init, exited };
    try {
      await this.#kind.up(this);
    } catch (error) {
      await this.powerOff();
      throw error;
    }
  }

  /** The end of everything that runs in it, at once and without notice. What is frozen is thawed. */
  async powerOff(): Promise<void> {
    if (this.#running !== undefined) {
      signalProcess(this.#running.init, 'SIGKILL');
      await this.#ended(this.#running);
    }
  }

  async #ended(running: Running): Promise<void> {
    this.#running = undefined;
    // A process that is blocked by a freeze dies of the thaw only.
    const state = { over: false };
    const over = running.exited.then(() => {
      state.over = true;
    });
    while (!state.over) {
      await this.thawAll();
      await Promise.race([over, delay(REPEAT_MS)]);
    }
    await this.thawAll();
    await this.#kind.down();
  }

  async reboot(): Promise<void> {
    await this.powerOff();
    await this.boot();
  }

  /**
   * Boots again when a command in it, such as reboot(8), has brought its first process to an end. Rejects
   * with what is still running if that takes longer than `limitMs`.
   */
  async rebootBy(argv: readonly string[], limitMs = LIMIT_MS): Promise<void> {
    const running = this.#running;
    if (running === undefined) {
      throw new Error('The guest is off.');
    }
    this.spawn(argv, { directory: '/', environment: { PATH: GUEST_PATH }, stdio: 'ignore' });
    const late = delay(limitMs, undefined, { ref: false }).then(() => {
      const left = this.processes().map(({ commandLine }) => commandLine.join(' '));
      throw new Error(`still running ${limitMs} ms after ${argv.join(' ')}: ${left.join('; ')}`);
    });
    await Promise.race([running.exited, late]);
    await this.#ended(running);
    await this.boot();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.powerOff();
    await this.disks[Symbol.asyncDispose]();
    await this.rootDisk[Symbol.asyncDispose]();
  }

  get #init(): number {
    if (this.#running === undefined) {
      throw new Error('The guest is off.');
    }
    return this.#running.init;
  }
}

interface Running {
  /** Its first process, as the lab numbers it. */
  readonly init: number;
  readonly exited: Promise<unknown>;
}
