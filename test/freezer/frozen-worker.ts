import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Telling, WorkerOptions } from './fixtures/frozen-worker.ts';

const FIXTURE = join(import.meta.dirname, 'fixtures', 'frozen-worker.ts');

/** A child process that has frozen something with a guardian (fixtures/frozen-worker.ts). */
export class FrozenWorker implements AsyncDisposable {
  readonly guardianPid: number;
  readonly frozen: number;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #exited: Promise<unknown[]>;

  /** Starts it in `directory`, where it may dump core if the machine permits it. */
  static async start(
    mountPoints: readonly string[],
    options: Partial<WorkerOptions> = {},
    directory = '/',
  ): Promise<FrozenWorker> {
    const all: WorkerOptions = {
      ...{ deadlineMs: 30_000, limitMs: 0, lastIsStuck: false, journalDirectory: '' },
      ...options,
    };
    const child = spawn(
      'sh',
      [
        ...['-c', 'ulimit -c unlimited; exec "$@"', 'sh'],
        ...[process.execPath, FIXTURE, JSON.stringify(all), ...mountPoints],
      ],
      { stdio: ['pipe', 'pipe', 'ignore'], cwd: directory },
    );
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const { guardian } = await nextTelling<{ guardian: number }>(lines);
    const { frozen } = await nextTelling<{ frozen: number }>(lines);
    return new FrozenWorker(child, lines, guardian, frozen);
  }

  private constructor(
    child: ChildProcess,
    lines: AsyncIterator<string>,
    guardianPid: number,
    frozen: number,
  ) {
    this.#child = child;
    this.#lines = lines;
    this.guardianPid = guardianPid;
    this.frozen = frozen;
    this.#exited = once(child, 'exit');
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** One of the orders of the fixture. */
  order(name: string): void {
    this.#child.stdin?.write(`${name}\n`);
  }

  async told(): Promise<string> {
    return (await nextTelling<{ told: string }>(this.#lines)).told;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves to its exit code, or the signal that ended it. */
  async exited(): Promise<unknown> {
    const [code, signal] = await this.#exited;
    return code ?? signal;
  }

  /** Resolves when one of its threads is in uninterruptible sleep. */
  async hasStuckThread(): Promise<void> {
    while (!(await this.#stuckThreads())) {
      await sleep(5);
    }
  }

  async #stuckThreads(): Promise<boolean> {
    const tasks = await readdir(`/proc/${this.pid}/task`);
    const states = await Promise.all(tasks.map((task) => processState(`${this.pid}/task/${task}`)));
    return states.includes('D');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    this.#child.kill('SIGCONT');
    await this.#exited;
    await gone(this.guardianPid);
  }
}

async function nextTelling<T extends Telling>(lines: AsyncIterator<string>): Promise<T> {
  const { value, done } = await lines.next();
  if (done === true) {
    throw new Error('the frozen worker ended before it reported the expected event');
  }
  return JSON.parse(String(value)) as T;
}

/** `D`, `S`, `Z` …; undefined if there is no such process. */
async function processState(pid: number | string): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[0] || undefined;
}

/** Resolves when the process has ended, reaped or not. */
export async function gone(pid: number): Promise<void> {
  for (;;) {
    const state = await processState(pid);
    if (state === undefined || state === 'Z' || state === 'X') {
      return;
    }
    await sleep(5);
  }
}

/** Resolves when SIGSTOP has taken effect. */
export async function stop(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  while ((await processState(pid)) !== 'T') {
    await sleep(1);
  }
}
