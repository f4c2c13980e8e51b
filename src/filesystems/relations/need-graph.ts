import type { DeviceNumber } from '../../system/device-number.ts';
import type { Relation, Via } from './relation-types.ts';

/**
 * How surely a freeze hangs when a relation is disregarded. Images and what daemons write on behalf
 * of an image: nearly always, and FITHAW blocks too. Permission daemons: only when a process is just
 * opening a file there.
 */
export const STRENGTH = { fanotify: 0, fuse: 1, loop: 2, overlay: 2 } as const satisfies Record<
  Via['kind'],
  number
>;

/** What each of some superblocks needs, directly or through others, by relations that are not weaker. */
export class NeedGraph {
  readonly #direct = new Map<DeviceNumber, Set<DeviceNumber>>();
  readonly #known = new Map<DeviceNumber, ReadonlySet<DeviceNumber>>();

  constructor(relations: readonly Relation[], weakest: number = STRENGTH.fanotify) {
    for (const { dependent, on, via } of relations) {
      if (STRENGTH[via.kind] >= weakest) {
        const needs = this.#direct.get(dependent) ?? new Set();
        this.#direct.set(dependent, needs.add(on));
      }
    }
  }

  /** Contains the superblock itself only if it is in a cycle. */
  needsOf(device: DeviceNumber): ReadonlySet<DeviceNumber> {
    const known = this.#known.get(device);
    if (known !== undefined) {
      return known;
    }
    const reached = new Set(this.#direct.get(device));
    // A set can be added to while it is gone through.
    for (const next of reached) {
      for (const further of this.#direct.get(next) ?? []) {
        reached.add(further);
      }
    }
    this.#known.set(device, reached);
    return reached;
  }

  isMutual(a: DeviceNumber, b: DeviceNumber): boolean {
    return a === b || (this.needsOf(a).has(b) && this.needsOf(b).has(a));
  }
}
