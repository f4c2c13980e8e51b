import type { DeviceNumber } from '../../system/device-number.ts';
import type { FileSystem } from '../plan-types.ts';
import { cycleWarnings } from './cycle-warnings.ts';
import { NeedGraph, STRENGTH } from './need-graph.ts';
import type { Relation } from './relation-types.ts';

/** Positions are those in the list of file systems given to `freezeOrder`. */
export interface FreezeOrder {
  /** Every position once. What stands in one wave is unrelated; dependents stand in earlier waves. */
  readonly waves: readonly (readonly number[])[];
  /**
   * For each: those it writes through (images, FUSE daemons). Its FITHAW blocks while one of them is
   * frozen, so they are thawed before it; mutual ones, for which no order helps, are left out.
   */
  readonly thawsAfter: readonly (readonly number[])[];
  /** For each: those that need it in any way, directly or through others, so that they are frozen before it; mutual ones are left out. */
  readonly dependents: readonly (readonly number[])[];
  /** Sentences for people: who needs each other or itself, and through whom. */
  readonly warnings: readonly string[];
}

type Named = Pick<FileSystem, 'device' | 'mountPoint'>;

/**
 * Which file systems are frozen when. Related ones never at the same time: when both FIFREEZE are in
 * flight neither is complete, and there is nothing a thaw could release (freeze-facts.md, Cycle).
 * Each stands in the last wave it can stand in, so that it is held as short as possible.
 *
 * In a cycle one of them must be frozen while it is needed; there the weakest relations give way.
 *
 * @param fileSystems each superblock once
 * @param unseen superblocks that need something that cannot be seen (an image in another mount
 *   namespace, or behind a FUSE daemon): they come before everything that may be it
 */
export function freezeOrder(
  fileSystems: readonly Named[],
  relations: readonly Relation[],
  unseen: ReadonlySet<DeviceNumber> = new Set(),
): FreezeOrder {
  const devices = fileSystems.map(({ device }) => device);
  const all = [...relations, ...guesses(devices, relations, unseen)];
  const graphs = [STRENGTH.fanotify, STRENGTH.fuse, STRENGTH.loop].map(
    (weakest) => new NeedGraph(all, weakest),
  );
  return {
    waves: wavesOf(devices, lastFirst(devices, graphs), new NeedGraph(all)),
    thawsAfter: thawOrder(devices, new NeedGraph(all, STRENGTH.fuse)),
    dependents: dependentsOf(devices, new NeedGraph(all)),
    warnings: cycleWarnings(fileSystems, relations),
  };
}

/** What needs something unseen may need anything but what is itself written through it. */
function guesses(
  devices: readonly DeviceNumber[],
  relations: readonly Relation[],
  unseen: ReadonlySet<DeviceNumber>,
): Relation[] {
  const graph = new NeedGraph(relations, STRENGTH.fuse);
  const mayBeNeeded = devices.filter(
    (device) => !unseen.has(device) && unseen.isDisjointFrom(graph.needsOf(device)),
  );
  return [...unseen].flatMap((dependent) =>
    mayBeNeeded.map((on): Relation => ({ dependent, on, via: { kind: 'loop', device: '' } })),
  );
}

/**
 * All devices, what is needed before what needs it. Members of a cycle are put in order by the
 * stronger relations among them, and if even those go round, as they were given.
 */
function lastFirst(
  devices: readonly DeviceNumber[],
  [graph, ...stronger]: readonly NeedGraph[],
): DeviceNumber[] {
  if (graph === undefined) {
    return devices.toReversed();
  }
  const waiting = new Set(devices);
  const ordered: DeviceNumber[] = [];
  const visit = (device: DeviceNumber): void => {
    const needed = [...graph.needsOf(device)].filter((other) => waiting.has(other));
    const mutual = new Set([device, ...needed.filter((other) => graph.isMutual(device, other))]);
    for (const member of mutual) {
      waiting.delete(member);
    }
    for (const other of needed) {
      if (waiting.has(other)) {
        visit(other);
      }
    }
    if (mutual.size === 1) {
      ordered.push(device);
    } else {
      const cycle = devices.filter((other) => mutual.has(other));
      ordered.push(...lastFirst(cycle, stronger));
    }
  };
  for (const device of devices.toReversed()) {
    if (waiting.has(device)) {
      visit(device);
    }
  }
  return ordered;
}

/** @param ordered what is needed before what needs it */
function wavesOf(
  devices: readonly DeviceNumber[],
  ordered: readonly DeviceNumber[],
  graph: NeedGraph,
): number[][] {
  const fromEnd = new Map<DeviceNumber, number>();
  for (const device of ordered) {
    const needed = [...graph.needsOf(device)].map((other) => fromEnd.get(other) ?? -1);
    fromEnd.set(device, 1 + Math.max(-1, ...needed));
  }
  const waves = Map.groupBy(devices.keys(), (position) => fromEnd.get(devices[position] ?? ''));
  return [...waves].sort(([a = 0], [b = 0]) => b - a).map(([, positions]) => positions);
}

function dependentsOf(devices: readonly DeviceNumber[], graph: NeedGraph): number[][] {
  return devices.map((needed) =>
    [...devices.keys()].filter((position) => {
      const device = devices[position] ?? '';
      return (
        device !== needed && graph.needsOf(device).has(needed) && !graph.isMutual(device, needed)
      );
    }),
  );
}

function thawOrder(devices: readonly DeviceNumber[], graph: NeedGraph): number[][] {
  const positions = new Map(devices.map((device, position) => [device, position]));
  return devices.map((device) =>
    [...graph.needsOf(device)]
      .filter((other) => !graph.isMutual(device, other))
      .map((other) => positions.get(other))
      .filter((position) => position !== undefined)
      .sort((a, b) => a - b),
  );
}
