import { setTimeout as delay } from 'node:timers/promises';
import { decodeLines } from '../system/decode-lines.ts';
import { type Mount, type MountTable, parseMountinfo } from '../system/mountinfo.ts';
import { type ProcessView, theseProcesses } from '../system/processes.ts';
import { type BlockTopology, devicesOfMount, leafNamesUnder } from './block-topology.ts';
import { type DegradedArray, describeDegraded, readDegradedArrays } from './degraded-arrays.ts';
import { otherDisksOf, toDisks } from './disks.ts';
import { MountTree } from './mount-tree.ts';
import { type DataMove, describeMove, readMoves } from './moving-data.ts';
import {
  describeMountElsewhere,
  type MountElsewhere,
  readMountsElsewhere,
} from './other-namespaces.ts';
import { makePlan } from './plan.ts';
import type { Disk, Exclusion, ExclusionReason, Plan, Selection } from './plan-types.ts';
import { readTopology } from './read-topology.ts';
import { daemonRelations } from './relations/daemon-relations.ts';
import { readDaemons } from './relations/read-daemons.ts';
import type { Daemon } from './relations/relation-types.ts';
import { type IsPlanned, StorageFinder } from './storage.ts';
import { type Superblock, superblocksOf } from './superblocks.ts';
import { type SystemView, thisMachine } from './system-view.ts';
import {
  describeWithoutMount,
  seesEveryProcess,
  superblocksWithoutMount,
} from './without-mount.ts';

/** A plan, and the processes that a freeze may come to wait for. */
export interface PlanReading extends Plan {
  readonly daemons: readonly Daemon[];
  /** What moves data below file systems; the warnings tell of it, too. Missing: nothing does. */
  readonly moves?: readonly DataMove[];
  /** The warnings tell of them, too. Missing: there are none. */
  readonly degraded?: readonly DegradedArray[];
}

const PROCESSES_MISSED =
  'there was not time enough to look at every process: a FUSE or permission daemon that file systems depend on may have been missed';
const NAMESPACES_MISSED =
  'there was not time enough to look at the mounts of every process: a file system that only another mount namespace has may have been missed';

/** How often mountinfo is read at most until it comes out the same twice. */
const MAX_READS = 5;

/**
 * Reads the machine and makes the plan. Opens no mount point and waits for no device or network, so
 * it takes as long as reading `/proc` and sysfs takes; if a superblock seems to have no mount, a second look besides.
 *
 * The plan is of that moment. A mount may be gone, or covered by another, when its mount point is
 * opened afterwards; the code that opens it compares `mnt_id` in `/proc/self/fdinfo/<fd>` with the plan's
 * `mountId` and fails with FF_MOUNT_OPEN. Once open, the descriptor keeps the file system mounted.
 *
 * Throws what `makePlan` throws; rejects with the system's error if mountinfo cannot be read.
 */
export async function readPlan(
  selection: Selection,
  system: SystemView = thisMachine,
  processes: ProcessView | undefined = system === thisMachine ? theseProcesses : undefined,
  namespacesLimitMs?: number,
): Promise<PlanReading> {
  const { mounts, skipped } = await readMounts(system);
  const topology = readTopology(system, mounts, new MountTree(mounts));
  const [{ daemons, isComplete }, elsewhere] = await Promise.all([
    processes === undefined ? { daemons: [], isComplete: true } : readDaemons(processes),
    processes === undefined
      ? { found: [], seen: [], isComplete: true }
      : readMountsElsewhere(mounts, processes, namespacesLimitMs),
  ]);
  const seesAll = processes !== undefined && (await seesEveryProcess(processes));
  const withoutMount =
    processes !== undefined && elsewhere.isComplete
      ? await readWithoutMount(system, processes, topology, [...mounts, ...elsewhere.seen], seesAll)
      : [];
  const plan = makePlan(mounts, topology, selection, daemonRelations(daemons, mounts));
  const moves = readMoves(system, topology);
  const degraded = readDegradedArrays(system, topology);
  const warnings = [
    ...skipped.map(warningOf),
    ...(plan.warnings ?? []),
    ...moves.map(describeMove),
    ...degraded.map(describeDegraded),
    ...elsewhere.found.map(describeMountElsewhere),
    // What the machine outside of a container has matters only if its disk is in the set, and is a gap then.
    ...(seesAll ? withoutMount.map(describeWithoutMount) : []),
    ...(isComplete ? [] : [PROCESSES_MISSED]),
    ...(elsewhere.isComplete ? [] : [NAMESPACES_MISSED]),
  ];
  const notOurs: readonly NotOurs[] = [
    ...elsewhere.found.map(({ mount }) => ({ mount, reason: 'other-namespace' }) as const),
    ...withoutMount.map((mount) => ({ mount, reason: 'no-mount' }) as const),
  ];
  const excluded = [...plan.excluded, ...exclusionsOf(notOurs, mounts, topology, plan)];
  const otherDisks = (plan.otherDisks ?? []).filter(
    ({ name }) => !isImageElsewhere(name, elsewhere.found, topology),
  );
  return {
    ...{ ...plan, otherDisks, excluded, daemons, warnings },
    ...(!elsewhere.isComplete && { missesNamespaces: true }),
    ...(moves.length > 0 && { moves }),
    ...(degraded.length > 0 && { degraded }),
  };
}

/**
 * What could be frozen, what is left out and the disks under both as they are now: what of a plan may change
 * while a run gets ready. Of processes nothing is read, so it takes as long as reading mountinfo and sysfs takes.
 *
 * Throws as `readPlan` does.
 */
export async function readStorage(
  selection: Selection,
  system: SystemView = thisMachine,
): Promise<Pick<Plan, 'fileSystems' | 'excluded'>> {
  const { mounts } = await readMounts(system);
  return makePlan(mounts, readTopology(system, mounts, new MountTree(mounts)), selection);
}

/** A loop device that only another mount namespace uses: what its image's path leads to here is another file. */
function isImageElsewhere(
  name: string,
  found: readonly MountElsewhere[],
  topology: BlockTopology,
): boolean {
  const isUsed = ({ mount }: MountElsewhere): boolean =>
    diskNamesOf(mount, topology).includes(name);
  return topology.devices.get(name)?.under.kind === 'image' && found.some(isUsed);
}

/** Every whole disk of the machine that a blob may be behind, whatever is mounted. */
export async function readDisks(system: SystemView = thisMachine): Promise<Disk[]> {
  const { mounts } = await readMounts(system);
  const topology = readTopology(system, mounts, new MountTree(mounts));
  return toDisks(otherDisksOf(topology, []), topology);
}

function diskNamesOf(mount: Mount, topology: BlockTopology): string[] {
  return leafNamesUnder(topology, devicesOfMount(topology, mount));
}

/** What is mounting or unmounting now has mostly ended after it. */
const SECOND_LOOK_MS = 200;

/**
 * The superblocks that no mount namespace shows, at both of two looks. The second reads the mounts anew, so what was just being
 * mounted at the first has a mount at the second.
 *
 * @param mounts of every namespace, at least one of each superblock
 */
async function readWithoutMount(
  system: SystemView,
  processes: ProcessView,
  topology: BlockTopology,
  mounts: readonly Mount[],
  seesAll: boolean,
): Promise<Mount[]> {
  const first = superblocksWithoutMount(system, topology, mounts).filter(
    // In an image of a mount namespace that cannot be seen: it lies on no disk of the machine that this process knows.
    ({ source }) => seesAll || !source.startsWith('/dev/loop'),
  );
  // Outside of a container something always is mounted: waiting for a second look would make every run longer.
  if (first.length === 0 || !seesAll) {
    return first;
  }
  await delay(SECOND_LOOK_MS);
  const { mounts: own } = await readMounts(system);
  const { seen } = await readMountsElsewhere(own, processes);
  const topologyNow = readTopology(system, own, new MountTree(own));
  const second = superblocksWithoutMount(system, topologyNow, [...own, ...seen]);
  return first.filter(({ device }) => second.some((it) => it.device === device));
}

interface NotOurs {
  readonly mount: Mount;
  readonly reason: Extract<ExclusionReason, 'other-namespace' | 'no-mount'>;
}

/**
 * Of file systems that our mount namespace has not. An image is looked for where its path leads here, and if a file of
 * its size is there, the disks under that count, too.
 */
function exclusionsOf(
  found: readonly NotOurs[],
  mounts: readonly Mount[],
  topology: BlockTopology,
  { fileSystems }: Plan,
): Exclusion[] {
  const tree = new MountTree(mounts);
  const superblocks = found.map(
    ({ mount }): Superblock => ({ device: mount.device, mounts: [mount], visible: [] }),
  );
  const own = superblocksOf(mounts, tree);
  const finder = new StorageFinder(topology, tree, [...own, ...superblocks]);
  const isPlanned: IsPlanned = (device) => fileSystems.some((it) => it.device === device);
  return found.map(({ mount, reason }): Exclusion => {
    const { device, type, mountPoint } = mount;
    const under = finder.disksUnder(device, isPlanned).map(({ name }) => name);
    const elsewhere = finder.elsewhereUnder(device, isPlanned);
    return {
      ...{ device, type, mountPoint, reason },
      disks: [...new Set([...diskNamesOf(mount, topology), ...under])].sort(),
      ...(elsewhere.length > 0 && { elsewhere }),
      isWritable: true,
    };
  });
}

/**
 * The kernel hands out mountinfo in pieces. Before Linux 5.8 a mount or unmount between two pieces
 * could make it leave out an entry that was there all the time, and a file system left out silently
 * is one not frozen. So it is read again until two readings are the same; on a machine that mounts
 * all the time the last one has to do.
 */
export async function readMounts(system: SystemView = thisMachine): Promise<MountTable> {
  let before: Uint8Array | undefined;
  let now = await system.mountinfo();
  for (let reads = 1; reads < MAX_READS && !isSame(before, now); reads += 1) {
    before = now;
    now = await system.mountinfo();
  }
  return parseMountinfo(decodeLines(now));
}

function isSame(before: Uint8Array | undefined, now: Uint8Array): boolean {
  return before !== undefined && Buffer.compare(before, now) === 0;
}

function warningOf({ line, reason }: MountTable['skipped'][number]): string {
  return `line ${line} of /proc/self/mountinfo is not used: ${reason}`;
}
