import { setTimeout as delay } from 'node:timers/promises';
import type { DeviceNumber } from '../system/device-number.ts';
import { hasOption, type Mount, parseMountinfo } from '../system/mountinfo.ts';
import { type ProcessView, theseProcesses } from '../system/processes.ts';
import { natureOfType } from './file-system-types.ts';

/** 10,000 processes take 0.2 s. What is missed because of this limit costs the verdict (`gapsOf`). */
const LIMIT_MS = 10_000;

/** A file system that is mounted, but not where we could open it. */
export interface MountElsewhere {
  readonly mount: Mount;
  /** A process that sees it. */
  readonly pid: number;
  readonly command: string;
}

/** What was found, and whether there was time enough to look at every process. */
export interface MountsElsewhere {
  readonly found: readonly MountElsewhere[];
  /** One mount of each superblock that another namespace has and ours has not, whatever its type. */
  readonly seen: readonly Mount[];
  readonly isComplete: boolean;
}

/**
 * Finds the file systems that could be frozen and are mounted in other mount namespaces only (those of
 * containers and of services with private mounts): they are not frozen, though they may lie on the same
 * disks. Only `/proc` is read; what takes longer than the limit is not found, and the result says so.
 *
 * One process shows the mounts of its namespace, except one in a changed root (chroot), which shows those below that only:
 * then further processes of the namespace are asked. If all of them have such roots, what is outside of these is not found
 * here, but by `superblocksWithoutMount`.
 *
 * @param mounts our own
 */
export async function readMountsElsewhere(
  mounts: readonly Mount[],
  view: ProcessView = theseProcesses,
  limitMs: number = LIMIT_MS,
): Promise<MountsElsewhere> {
  const found: MountElsewhere[] = [];
  const seen: Mount[] = [];
  const over = new AbortController();
  const own = new Set(mounts.map(({ device }) => device));
  const isComplete = await Promise.race([
    scan(own, view, { found, seen }, over.signal).then(() => true),
    delay(limitMs, false, { signal: over.signal }).catch(() => false),
  ]);
  over.abort();
  return { found: [...found], seen: [...seen], isComplete };
}

async function scan(
  own: ReadonlySet<DeviceNumber>,
  view: ProcessView,
  { found, seen }: { readonly found: MountElsewhere[]; readonly seen: Mount[] },
  over: AbortSignal,
): Promise<void> {
  const known = new Set(own);
  for await (const { pid, text } of otherNamespaces(view, over)) {
    const { mounts } = parseMountinfo(text);
    const command = ((await view.read(`/proc/${pid}/comm`)) ?? '').trimEnd();
    for (const mount of mounts.filter(({ device }) => !known.has(device))) {
      if (!known.has(mount.device)) {
        known.add(mount.device);
        seen.push(mount);
        if (mayBeWrittenTo(mount)) {
          found.push({ mount, pid: Number(pid), command });
        }
      }
    }
  }
}

/** For each mount namespace but our own the mountinfo of one process, or, of changed roots, of one process in each. */
async function* otherNamespaces(
  view: ProcessView,
  over: AbortSignal,
): AsyncGenerator<{ readonly pid: string; readonly text: string }> {
  const namespaces = new Set([await view.link('/proc/self/ns/mnt')]);
  const roots = new Set<string>();
  const pids = ((await view.list('/proc')) ?? []).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const namespace = await view.link(`/proc/${pid}/ns/mnt`);
    if (over.aborted) {
      return;
    }
    if (namespace === undefined || namespaces.has(namespace)) {
      continue;
    }
    const root = await view.link(`/proc/${pid}/root`);
    const place = `${namespace} ${root}`;
    const text = roots.has(place) ? undefined : await view.read(`/proc/${pid}/mountinfo`);
    // Without a text the process has ended; others may show the namespace.
    if (text) {
      roots.add(place);
      if (root === '/') {
        namespaces.add(namespace);
      }
      yield { pid, text };
    }
  }
}

function mayBeWrittenTo({ type, superOptions }: Mount): boolean {
  return natureOfType(type) === 'freezable' && !hasOption(superOptions, 'ro');
}

/** A sentence for people. */
export function describeMountElsewhere({ mount, pid, command }: MountElsewhere): string {
  const { mountPoint, type, source } = mount;
  return `${source} (${type}) is not frozen, because it is mounted only in the mount namespace of ${command} (pid ${pid}), at ${mountPoint}; what is written to it can be in a snapshot half done`;
}
