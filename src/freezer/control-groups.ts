import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type Mount, parseMountinfo } from '../filesystems/mountinfo.ts';

/** A move waits for some RCU grace periods; where it takes longer something holds the hierarchy up. */
const MOVE_LIMIT_MS = 2000;
/** Of version 1: by these a group is frozen or limited, and systemd kills by its own. Version 2 is one for all. */
const HOLDING = ['freezer', 'pids', 'name=systemd'];
const UNIFIED = '';

/** One line of `/proc/<pid>/cgroup`. */
export interface Membership {
  /** Controllers, or a name; empty for the hierarchy of version 2. */
  readonly hierarchy: string;
  readonly path: string;
}

/**
 * Moves a process to the root of every hierarchy of control groups by which it would be killed, stopped or
 * limited together with this one: a group is killed or frozen as a whole.
 *
 * @returns what it could not leave, as sentences for people
 */
export async function leaveControlGroups(pid: number): Promise<readonly string[]> {
  const over = new AbortController();
  const tooLate = delay(MOVE_LIMIT_MS, ['it took too long'], { signal: over.signal });
  const reasons = await Promise.race([leaveAll(pid), tooLate]).catch((error) => [reasonOf(error)]);
  over.abort();
  tooLate.catch(() => {});
  return reasons.map(
    (reason) =>
      `the guardian could not leave this process's control group (${reason}): who kills or freezes the group stops the guardian, too, and what is frozen stays so until the next command`,
  );
}

async function leaveAll(pid: number): Promise<readonly string[]> {
  const memberships = toLeave(await readFile(`/proc/${pid}/cgroup`, 'utf8'));
  const mountinfo = memberships.length === 0 ? '' : await readFile('/proc/self/mountinfo', 'utf8');
  const reasons = memberships.map(async ({ hierarchy, path }) => {
    const root = rootOf(mountinfo, hierarchy);
    const reason = root === undefined ? 'its root is not mounted' : await moveTo(root, pid);
    return reason === undefined ? [] : [`${path}: ${reason}`];
  });
  return (await Promise.all(reasons)).flat();
}

/** Why not; undefined where it was moved. */
async function moveTo(root: string, pid: number): Promise<string | undefined> {
  try {
    await writeFile(`${root}/cgroup.procs`, String(pid), { flag: 'r+' });
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}

/** Of the content of `/proc/<pid>/cgroup`: where the process is not at the root, and that matters. */
export function toLeave(content: string): Membership[] {
  return content.split('\n').flatMap((line) => {
    const [, hierarchy, path] = /^\d+:([^:]*):(.+)$/.exec(line) ?? [];
    if (hierarchy === undefined || path === undefined || path === '/') {
      return [];
    }
    return holds(hierarchy) ? [{ hierarchy, path }] : [];
  });
}

function holds(hierarchy: string): boolean {
  return hierarchy === UNIFIED || hierarchy.split(',').some((name) => HOLDING.includes(name));
}

/** Of the content of mountinfo: where the root of the hierarchy is mounted; a container may see a part only. */
export function rootOf(mountinfo: string, hierarchy: string): string | undefined {
  const names = hierarchy.split(',');
  const isIt = ({ type, superOptions }: Mount): boolean =>
    hierarchy === UNIFIED
      ? type === 'cgroup2'
      : type === 'cgroup' && names.every((name) => superOptions.split(',').includes(name));
  const { mounts } = parseMountinfo(mountinfo);
  return mounts.find((mount) => isIt(mount) && mount.root === '/')?.mountPoint;
}
