import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { seesOnlyOwnControlGroups } from '../system/container.ts';
import { type Mount, parseMountinfo } from '../system/mountinfo.ts';
import { type ProcessView, theseProcesses } from '../system/processes.ts';

/** A move waits for some RCU grace periods; if it takes longer, something blocks the hierarchy. */
const MOVE_LIMIT_MS = 2000;
/** Hierarchies of version 1 that freeze, limit or (systemd's own) kill a group. Version 2 has only one hierarchy. */
const HOLDING = ['freezer', 'pids', 'name=systemd'];
const UNIFIED = '';

/** One line of `/proc/<pid>/cgroup`. */
export interface Membership {
  /** Controllers, or a name; empty for the hierarchy of version 2. */
  readonly hierarchy: string;
  readonly path: string;
}

/** Reads `/proc`. A test reads a recording. */
export interface ControlGroupView extends Pick<ProcessView, 'link'> {
  /** Rejects with the system's error. */
  read(file: string): Promise<string>;
}

const THIS_MACHINE: ControlGroupView = {
  link: theseProcesses.link,
  read: (file) => readFile(file, 'utf8'),
};

/**
 * Has the guardian leave this process's control groups as far as it can.
 *
 * @returns why the guardian may nevertheless be killed or stopped together with this process, as sentences for people
 */
export async function separateFromWorker(
  guardian: number,
  view: ControlGroupView = THIS_MACHINE,
): Promise<readonly string[]> {
  const inContainer = (await seesOnlyOwnControlGroups(view)) ? [IN_CONTAINER] : [];
  return [...inContainer, ...(await leaveControlGroups(guardian, view))];
}

const IN_CONTAINER =
  'flashfreeze runs in a container (it sees only a part of the control groups), which the guardian cannot leave: pausing, stopping or killing the container also stops the guardian, and a frozen file system then stays frozen until it is thawed by hand (flashfreeze thaw --all, or fsfreeze --unfreeze); run flashfreeze on the machine itself';

/**
 * Moves a process to the root of every control group hierarchy that could kill, stop or limit it together with
 * this process: a group is killed or frozen as a whole.
 *
 * @returns the groups that it could not leave, as sentences for people
 */
export async function leaveControlGroups(
  pid: number,
  view: ControlGroupView = THIS_MACHINE,
): Promise<readonly string[]> {
  const over = new AbortController();
  const tooLate = delay(MOVE_LIMIT_MS, ['it took too long'], { signal: over.signal });
  const reasons = await Promise.race([leaveAll(pid, view), tooLate]).catch((error) => [
    reasonOf(error),
  ]);
  over.abort();
  tooLate.catch(() => {});
  return reasons.map(
    (reason) =>
      `the guardian could not leave this process's control group (${reason}): killing or freezing the group also stops the guardian, and a frozen file system then stays frozen until the next command`,
  );
}

async function leaveAll(pid: number, view: ControlGroupView): Promise<readonly string[]> {
  const memberships = toLeave(await view.read(`/proc/${pid}/cgroup`));
  const mountinfo = memberships.length === 0 ? '' : await view.read('/proc/self/mountinfo');
  const reasons = memberships.map(async ({ hierarchy, path }) => {
    const root = rootOf(mountinfo, hierarchy);
    const reason = root === undefined ? 'its root is not mounted' : await moveTo(root, pid);
    return reason === undefined ? [] : [`${path}: ${reason}`];
  });
  return (await Promise.all(reasons)).flat();
}

/** The reason for a failure; undefined if the process was moved. */
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

/** Takes the content of `/proc/<pid>/cgroup`. Returns the hierarchies that matter and have the process below their root. */
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

/** Takes the content of mountinfo. Returns the mount point of the hierarchy's root; a container may see only a part. */
export function rootOf(mountinfo: string, hierarchy: string): string | undefined {
  const names = hierarchy.split(',');
  const isIt = ({ type, superOptions }: Mount): boolean =>
    hierarchy === UNIFIED
      ? type === 'cgroup2'
      : type === 'cgroup' && names.every((name) => superOptions.split(',').includes(name));
  const { mounts } = parseMountinfo(mountinfo);
  return mounts.find((mount) => isIt(mount) && mount.root === '/')?.mountPoint;
}
