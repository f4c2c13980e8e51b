import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { tryCommand } from './run-command.ts';

/** Of version 2, or of version 1 with this controller. */
export type Hierarchy = 'unified' | 'freezer' | 'pids';

/** Which of them the machine uses. Only inside the lab. */
export function hierarchies(): Hierarchy[] {
  return readdirSync(ROOTS) as Hierarchy[];
}

const ROOTS = '/sys/fs/cgroup';
const EMPTY_AGAIN_MS = 10;

/** A control group of the lab's own, below the root of its hierarchy. Disposing waits until it is empty. */
export class ControlGroup implements AsyncDisposable {
  readonly #root: string;
  readonly #directory: string;

  private constructor(root: string, directory: string) {
    this.#root = root;
    this.#directory = directory;
  }

  /** Only inside the lab. */
  static create(hierarchy: Hierarchy): ControlGroup {
    const root = join(ROOTS, hierarchy);
    const directory = join(root, `flashfreeze-lab-${randomUUID()}`);
    mkdirSync(directory);
    return new ControlGroup(root, directory);
  }

  /** What this process starts while `work` runs is in the group from its beginning. */
  async around<Result>(work: () => Promise<Result>): Promise<Result> {
    this.write('cgroup.procs', String(process.pid));
    try {
      return await work();
    } finally {
      this.leave(process.pid);
    }
  }

  /** Runs a program in the group, this process stays outside; resolves to what it said until its end, or its limit. */
  async output(program: string, args: readonly string[], limitSeconds: number): Promise<string> {
    const [sh = '', ...words] = this.entering;
    const limited = ['timeout', '--signal', 'KILL', String(limitSeconds), program, ...args];
    const { stdout } = await tryCommand(sh, [...words, ...limited]);
    return stdout;
  }

  /** What comes before a command's words so that it runs in the group. */
  get entering(): string[] {
    const procs = join(this.#directory, 'cgroup.procs');
    return ['sh', '-c', 'echo $$ >"$1"; shift; exec "$@"', 'sh', procs];
  }

  /** One of the group's control files. */
  write(file: string, value: string): void {
    writeFileSync(join(this.#directory, file), value);
  }

  leave(pid: number): void {
    writeFileSync(join(this.#root, 'cgroup.procs'), String(pid));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (;;) {
      try {
        rmdirSync(this.#directory);
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EBUSY') {
          throw error;
        }
        await delay(EMPTY_AGAIN_MS);
      }
    }
  }
}
