import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runCommand } from '../../src/lab/run-command.ts';
import { unmount } from '../../src/lab/unmount.ts';

const PLACES = { etc: '/etc/fapolicyd', lib: '/var/lib/fapolicyd', run: '/run/fapolicyd' };
const CONFIGURATION = `permissive = 0
nice_val = 14
q_size = 640
uid = root
gid = root
watch_fs = ext4,xfs,btrfs
trust = file
integrity = none
`;
const LOOK_AGAIN_MS = 20;

/** The real file access policy daemon, in the lab's mount namespace, from the moment it watches to its end. */
export class FapolicydProcess implements AsyncDisposable {
  readonly pid: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.pid = child.pid ?? 0;
  }

  /**
   * @param rules one a line
   * @param args of fapolicyd, which decide what it logs
   * @param log where its standard error leads
   */
  static async start(
    rules: readonly string[],
    args: readonly string[],
    log: string,
  ): Promise<FapolicydProcess> {
    for (const [name, place] of Object.entries(PLACES)) {
      const own = join('/lab/fapolicyd', name);
      mkdirSync(own, { recursive: true });
      mkdirSync(place, { recursive: true });
      await runCommand('mount', ['--bind', own, place]);
    }
    await writeFile(join(PLACES.etc, 'fapolicyd.conf'), CONFIGURATION);
    await writeFile(join(PLACES.etc, 'fapolicyd.trust'), '');
    await writeFile(join(PLACES.etc, 'fapolicyd.rules'), rules.map((it) => `${it}\n`).join(''));
    const stderr = openSync(log, 'a');
    const child = spawn('fapolicyd', args, { stdio: ['ignore', 'ignore', stderr] });
    closeSync(stderr);
    const daemon = new FapolicydProcess(child);
    while (!daemon.#watches()) {
      if (!daemon.isRunning) {
        throw new Error(`fapolicyd ended: ${readFileSync(log, 'utf8')}`);
      }
      await delay(LOOK_AGAIN_MS);
    }
    return daemon;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Ends it. Call it when nothing that the daemon waits for is frozen any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
    for (const place of Object.values(PLACES)) {
      await unmount(place);
    }
  }

  #watches(): boolean {
    try {
      const folder = `/proc/${this.pid}/fdinfo`;
      return readdirSync(folder).some((name) =>
        readFileSync(join(folder, name), 'utf8').includes('fanotify mnt_id'),
      );
    } catch {
      return false;
    }
  }
}
