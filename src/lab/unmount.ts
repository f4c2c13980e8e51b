import { setTimeout as delay } from 'node:timers/promises';
import { processesWith } from '../system/process-links.ts';
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
      const users = processesWith(['cwd', 'root'], (path) => isBelow(path, mountPoint));
      const named = users.map(({ pid, command }) => `${pid} (${command})`).join(', ');
      throw new Error(`umount ${mountPoint} ended with ${code}: ${stderr.trim()} ${named}`);
    }
    await delay(LOOK_MS);
  }
}

function isBelow(path: string, mountPoint: string): boolean {
  return path === mountPoint || path.startsWith(`${mountPoint}/`);
}
