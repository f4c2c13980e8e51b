import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import type { Grant, Lock, ManagedDisk, ManagedVm, OperationPlan, Policy } from './model.ts';
import type { ManagedOptions } from './options.ts';
import { sameId } from './targets.ts';

const DEFAULT_SIZE = 1 << 30;

/** A disk with what the platform made up for it. */
export interface CloudDisk {
  readonly spec: ManagedDisk;
  readonly id: string;
  readonly uniqueId: string;
  readonly sizeBytes: number;
  readonly familyId: string;
}

/** The VM, its disks and who may do what: what tests change while the lab runs. */
export class Cloud {
  readonly vm: ManagedVm;
  readonly vmResourceId: string;
  /** By id in lower case. */
  readonly #disks = new Map<string, CloudDisk>();
  readonly #groups: Set<string>;
  #plan: OperationPlan;
  readonly #plans = new Map<string, Partial<OperationPlan>>();
  grants: readonly Grant[];
  locks: readonly Lock[];
  policies: readonly Policy[];
  /** Actions taken away again, each on a scope. */
  denials: { readonly action: string; readonly scope: string }[] = [];

  constructor(options: ManagedOptions) {
    this.#plan = options.operation;
    this.vm = options.vm;
    this.vmResourceId = this.resourceId(
      options.vm.resourceGroup,
      `virtualMachines/${this.vm.name}`,
    );
    this.grants = options.grants;
    this.locks = options.locks;
    this.policies = options.policies;
    this.#groups = new Set(
      [options.vm.resourceGroup, ...options.groups].map((group) => group.toLowerCase()),
    );
    for (const disk of options.disks) {
      this.addDisk(disk);
    }
  }

  get disks(): readonly CloudDisk[] {
    return [...this.#disks.values()];
  }

  /** In place of one of that id. */
  addDisk(spec: ManagedDisk): void {
    const id = this.resourceId(spec.resourceGroup ?? this.vm.resourceGroup, `disks/${spec.name}`);
    this.#groups.add((spec.resourceGroup ?? this.vm.resourceGroup).toLowerCase());
    this.#disks.set(id.toLowerCase(), {
      spec,
      id,
      uniqueId: spec.uniqueId ?? randomUUID(),
      familyId: randomUUID(),
      sizeBytes: spec.sizeBytes ?? sizeOf(spec.imagePath),
    });
  }

  removeDisk(name: string): void {
    for (const [id, { spec }] of this.#disks) {
      if (sameId(spec.name, name)) {
        this.#disks.delete(id);
      }
    }
  }

  diskById(id: string): CloudDisk | undefined {
    return this.#disks.get(id.toLowerCase());
  }

  /** For one disk, or for all that have none of their own. */
  setPlan(plan: Partial<OperationPlan>, disk?: string): void {
    if (disk === undefined) {
      this.#plan = { ...this.#plan, ...plan };
    } else {
      const key = disk.toLowerCase();
      this.#plans.set(key, { ...this.#plans.get(key), ...plan });
    }
  }

  planFor(disk?: CloudDisk): OperationPlan {
    return {
      ...this.#plan,
      ...disk?.spec.operation,
      ...(disk === undefined ? {} : this.#plans.get(disk.spec.name.toLowerCase())),
    };
  }

  /** For a disk that is made, by its name. */
  planNamed(name: string): OperationPlan {
    return { ...this.#plan, ...this.#plans.get(name.toLowerCase()) };
  }

  hasGroup(group: string): boolean {
    return this.#groups.has(group.toLowerCase());
  }

  resourceId(group: string, typeAndName: string): string {
    return `/subscriptions/${this.vm.subscriptionId}/resourceGroups/${group}/providers/Microsoft.Compute/${typeAndName}`;
  }
}

function sizeOf(imagePath: string | undefined): number {
  return imagePath === undefined ? DEFAULT_SIZE : statSync(imagePath).size;
}
