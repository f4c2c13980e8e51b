import { setTimeout as delay } from 'node:timers/promises';
import { processIdentity, stillRuns } from '../../system/process-identity.ts';
import { type ProcessView, theseProcesses } from '../../system/processes.ts';
import { endGroup, OPENED_IN_CHILD } from './run-script.ts';

const AGAIN_MS = 50;

/**
 * Process groups of a script that still runs although the process that started it is gone: it was killed alone, and a
 * script has a session of its own. What a script has left in the background is not meant.
 */
export async function survivingScripts(
  path: string,
  view: ProcessView = theseProcesses,
): Promise<number[]> {
  const pids = (await view.list('/proc'))?.filter((name) => /^\d+$/.test(name)) ?? [];
  const found = await Promise.all(
    pids.map(async (pid) => {
      const environment = (await view.read(`/proc/${pid}/environ`))?.split('\0') ?? [];
      if (!environment.includes(`FLASHFREEZE_SCRIPT=${path}`)) {
        return [];
      }
      const words = (await view.read(`/proc/${pid}/cmdline`))?.split('\0') ?? [];
      const isScript = words.includes(path) || words.includes(OPENED_IN_CHILD);
      return isScript && (await leadsSession(pid, view)) ? [Number(pid)] : [];
    }),
  );
  return found.flat();
}

/** Ends them, with SIGTERM first. No event shows when that of another process has ended, so it takes the whole grace. */
export async function endSurvivingScripts(path: string): Promise<number> {
  const groups = await survivingScripts(path);
  const never = new Promise<never>(() => {});
  await Promise.all(groups.map((group) => endGroup(group, never)));
  return groups.length;
}

/**
 * Waits until they have ended by themselves, and ends those that have not after `limitMs`.
 *
 * @returns what it took; undefined if none ran
 */
export async function awaitSurvivingScripts(
  path: string,
  limitMs: number,
): Promise<'awaited' | 'ended' | undefined> {
  const groups = await survivingScripts(path);
  const endMs = performance.now() + limitMs;
  const areOver = await Promise.all(groups.map((group) => endsBy(group, endMs)));
  if (groups.length === 0) {
    return undefined;
  }
  return areOver.includes(false) && (await endSurvivingScripts(path)) > 0 ? 'ended' : 'awaited';
}

async function endsBy(group: number, endMs: number): Promise<boolean> {
  const identity = await processIdentity(group).catch(() => undefined);
  // Node has no event for the end of a process that is not its child.
  while (identity !== undefined && (await stillRuns(identity))) {
    if (performance.now() >= endMs) {
      return false;
    }
    await delay(AGAIN_MS);
  }
  return true;
}

/** proc_pid_stat(5): behind the name in parentheses stand state, parent, group and session. */
async function leadsSession(pid: string, view: ProcessView): Promise<boolean> {
  const stat = (await view.read(`/proc/${pid}/stat`)) ?? '';
  const [, , , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return session === pid;
}
