import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runCommand, tryCommand } from '../../src/lab/run-command.ts';
import { flashfreeze } from '../../test/commands/command-line.ts';
import type { Surroundings } from './surroundings.ts';

/** 24 MB in small extents that snapshots share: a balance takes some seconds, and up to half of one to pause. */
const FILL = `
set -e
btrfs subvolume create "$1/many" >/dev/null
cd "$1/many"
head -c 24000000 /dev/urandom | split -a 4 -b 4000 -
for i in $(seq 10); do btrfs subvolume snapshot "$1/many" "$1/many$i" >/dev/null; done
sync -f "$1"
`;
const LOOK_AGAIN_MS = 5;

/** A balance of a btrfs that is under way when a run begins. */
export class RunningBalance implements Surroundings {
  readonly #mountPoint: string;
  /** Of /sys: which long operation runs. */
  readonly operationFile: string;
  readonly #ended: Promise<unknown>;

  private constructor(mountPoint: string, operationFile: string, child: ChildProcess) {
    this.#mountPoint = mountPoint;
    this.operationFile = operationFile;
    this.#ended = once(child, 'exit');
  }

  /** Fills the file system where that has not been done yet. */
  static async start(mountPoint: string): Promise<RunningBalance> {
    if (!existsSync(join(mountPoint, 'many'))) {
      await runCommand('sh', ['-c', FILL, 'sh', mountPoint]);
    }
    const fsid = (await runCommand('findmnt', ['-no', 'UUID', mountPoint])).trim();
    const child = spawn('btrfs', ['balance', 'start', '--full-balance', mountPoint], {
      stdio: 'ignore',
    });
    const file = `/sys/fs/btrfs/${fsid}/exclusive_operation`;
    const balance = new RunningBalance(mountPoint, file, child);
    while ((await balance.#operation()) !== 'balance' && child.exitCode === null) {
      await delay(LOOK_AGAIN_MS);
    }
    return balance;
  }

  async problems(workerWasKilled: boolean): Promise<string[]> {
    if (workerWasKilled) {
      // Any command does.
      await flashfreeze(['report', '--list']);
    }
    const operation = await this.#operation();
    return operation === 'balance' || operation === 'none'
      ? []
      : [`the balance was left: ${operation}`];
  }

  async #operation(): Promise<string> {
    return (await readFile(this.operationFile, 'utf8')).trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await cancelBalance(this.#mountPoint);
    await this.#ended;
  }
}

/** Resolves when nothing of a balance holds the mount point any more, except the process that has started it. */
export async function cancelBalance(mountPoint: string): Promise<void> {
  await tryCommand('btrfs', ['balance', 'cancel', mountPoint]);
  // One that a run has resumed ends a moment after the kernel's part of it, and holds the mount point until then.
  while (await isRunning(['btrfs', 'balance', 'resume', mountPoint])) {
    await delay(LOOK_AGAIN_MS);
  }
}

async function isRunning(words: readonly string[]): Promise<boolean> {
  const line = `${words.join('\0')}\0`;
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return lines.some((it) => it.endsWith(line) || it === line);
}
