import { readdir, readlink } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { tryCommand } from './run-command.ts';

const LOOK_MS = 20;
/** Against hangs only. */
const BUSY_LIMIT_MS = 60_000;

/**
 * Unmounts, and waits while the mount point is busy: a process that was ended a moment ago, such as the guardian of a killed
 * run, closes its files when it gets a processor. The kernel sends no event. Rejects with what keeps it busy.
 */
export async function unmount(mountPoint: string): Promise<void> {
  const deadline = Date.now() + BUSY_LIMIT_MS;
  for (;;) {
    const { code, stderr } = await tryCommand('umount', [mountPoint]);
    if (code === 0) {
      return;
    }
    if (!stderr.includes('busy') || Date.now() > deadline) {
      const users = await usersOf(mountPoint);
      throw new Error(
        `umount ${mountPoint} ended with ${code}: ${stderr.trim()} ${users.join(' ')}`,
      );
    }
    await delay(LOOK_MS);
  }
}

/** What processes have below a mount point: `<pid>/fd/<number>=<path>`. */
async function usersOf(mountPoint: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const links = await Promise.all(
    pids.map(async (pid) => {
      const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
      return ['cwd', 'root', ...descriptors.map((name) => `fd/${name}`)].map(
        (name) => `${pid}/${name}`,
      );
    }),
  );
  const targets = await Promise.all(
    links.flat().map(async (link) => `${link}=${await readlink(`/proc/${link}`).catch(() => '')}`),
  );
  return targets.filter((it) => it.includes(`=${mountPoint}`));
}
