import { setTimeout as delay } from 'node:timers/promises';
import type { DeviceNumber } from '../../system/device-number.ts';
import { type DescriptorInfo, parseFdinfo } from '../../system/fdinfo.ts';
import { type ProcessView, theseProcesses } from '../../system/processes.ts';
import { MountDevices } from './mount-devices.ts';
import type { Daemon } from './relation-types.ts';

/** 38,000 descriptors of 1,600 processes took 0.4 s on 2 cores. */
export const READ_DAEMONS_LIMIT_MS = 3000;
/** Threads of libuv's pool that read side by side. */
const AT_ONCE = 4;
const FUSE_LINK = '/dev/fuse';
const FANOTIFY_LINK = 'anon_inode:[fanotify]';

export interface DaemonReading {
  readonly daemons: readonly Daemon[];
  /** False if the time was up first: what is missing is then not known. */
  readonly isComplete: boolean;
}

/**
 * Finds the FUSE daemons and fanotify permission daemons among the running processes, and what each
 * of them can write to. Only `/proc` is read, and no link in it followed, so a dead file system of
 * another machine's cannot stop it; whatever else might is left behind after `limitMs`.
 * Needs root to see other people's processes.
 */
export async function readDaemons(
  view: ProcessView = theseProcesses,
  limitMs: number = READ_DAEMONS_LIMIT_MS,
): Promise<DaemonReading> {
  const found: Daemon[] = [];
  const over = new AbortController();
  const finished = scan(view, found, over.signal).then(() => true);
  const timeUp = delay(limitMs, false, { signal: over.signal }).catch(() => false);
  const isComplete = await Promise.race([finished, timeUp]);
  over.abort();
  return { daemons: found.toSorted((a, b) => a.pid - b.pid), isComplete };
}

async function scan(view: ProcessView, found: Daemon[], over: AbortSignal): Promise<void> {
  const pids = numbersIn(await view.list('/proc'));
  const devices = new MountDevices(view);
  const worker = async (): Promise<void> => {
    for (let pid = pids.pop(); pid !== undefined && !over.aborted; pid = pids.pop()) {
      const waitedFor = await waitedForDescriptors(view, pid);
      const daemon = waitedFor.length > 0 && (await readDaemon(view, pid, waitedFor, devices));
      if (daemon && !over.aborted) {
        found.push(daemon);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

interface WaitedFor {
  readonly descriptor: number;
  readonly link: typeof FUSE_LINK | typeof FANOTIFY_LINK;
}

async function waitedForDescriptors(view: ProcessView, pid: number): Promise<WaitedFor[]> {
  const waitedFor: WaitedFor[] = [];
  for (const descriptor of numbersIn(await view.list(`/proc/${pid}/fd`))) {
    const link = await view.link(`/proc/${pid}/fd/${descriptor}`);
    if (link === FUSE_LINK || link === FANOTIFY_LINK) {
      waitedFor.push({ descriptor, link });
    }
  }
  return waitedFor;
}

async function readDaemon(
  view: ProcessView,
  pid: number,
  waitedFor: readonly WaitedFor[],
  devices: MountDevices,
): Promise<Daemon | undefined> {
  const command = (await view.read(`/proc/${pid}/comm`))?.trimEnd();
  const family = await withDescendants(view, pid);
  const infos = new Map<number, ReadonlyMap<number, DescriptorInfo>>();
  for (const member of family) {
    infos.set(member, await descriptorsOf(view, member));
    await devices.learnFrom(member);
  }
  const own = infos.get(pid);
  if (command === undefined || own === undefined || own.size === 0) {
    return undefined;
  }
  const all = waitedFor.map(({ descriptor, link }) => ({
    descriptor,
    link,
    info: own.get(descriptor),
  }));
  return {
    pid,
    command,
    connections: all
      .filter(({ link }) => link === FUSE_LINK)
      .map(({ info }) => info?.fuseConnection),
    permissionGroups: all
      .map(({ descriptor, info }) => ({
        descriptor,
        watches: unique((info?.permissionMarks ?? []).map((mark) => devices.ofMark(mark))),
      }))
      .filter(({ watches }) => watches.length > 0),
    writesTo: unique(
      [...infos.values()]
        .flatMap((descriptors) => [...descriptors.values()])
        .filter(({ isWritable }) => isWritable)
        .map(({ mountId }) => devices.ofMount(mountId)),
    ),
  };
}

/** Who waits for a daemon waits for its helpers as well. */
async function withDescendants(view: ProcessView, pid: number): Promise<ReadonlySet<number>> {
  const family = new Set([pid]);
  // A set can be added to while it is gone through.
  for (const member of family) {
    for (const thread of numbersIn(await view.list(`/proc/${member}/task`))) {
      const children = await view.read(`/proc/${member}/task/${thread}/children`);
      for (const child of numbersIn(children?.split(' '))) {
        family.add(child);
      }
    }
  }
  return family;
}

async function descriptorsOf(
  view: ProcessView,
  pid: number,
): Promise<ReadonlyMap<number, DescriptorInfo>> {
  const descriptors = new Map<number, DescriptorInfo>();
  for (const number of numbersIn(await view.list(`/proc/${pid}/fdinfo`))) {
    const text = await view.read(`/proc/${pid}/fdinfo/${number}`);
    if (text !== undefined) {
      descriptors.set(number, parseFdinfo(text));
    }
  }
  return descriptors;
}

function numbersIn(names: readonly string[] | undefined): number[] {
  return (names ?? []).filter((name) => /^\d+$/.test(name)).map(Number);
}

function unique(devices: readonly (DeviceNumber | undefined)[]): DeviceNumber[] {
  return [...new Set(devices.filter((device) => device !== undefined))];
}
