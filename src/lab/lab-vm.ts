import { setTimeout as sleep } from 'node:timers/promises';
import { FlashfreezeError } from '../errors.ts';
import { ArmClient } from './arm-client.ts';
import { AzureLinks, lunOf } from './azure-links.ts';
import type { LabDevice } from './disks.ts';
import { ManagedLab } from './managed/managed-lab.ts';
import type { ManagedSnapshot } from './managed/model.ts';
import type { ManagedLabOptions } from './managed/options.ts';
import { isInsideLab } from './namespace.ts';

/** A snapshot as the resource manager lists it. */
export interface ListedManagedSnapshot {
  readonly name: string;
  readonly id: string;
  /** Name of the disk that it is of. */
  readonly disk: string;
  readonly timeCreated: string;
  readonly tags: Readonly<Record<string, string>>;
}

interface SnapshotPage {
  readonly value: readonly {
    readonly name: string;
    readonly id: string;
    readonly tags: Readonly<Record<string, string>>;
    readonly properties: {
      readonly timeCreated: string;
      readonly creationData: { readonly sourceResourceId: string };
    };
  }[];
  readonly nextLink?: string;
}

/** OS disk and LUNs 0 to 63. */
export const MOST_MANAGED_DISKS = 65;
const LOOK_MS = 20;

/**
 * The lab as an Azure VM: its devices are the VM's managed disks, the first one the OS disk. Instance metadata and the
 * resource manager answer at their own addresses. Inside the lab only, and one at a time.
 */
export class LabVm implements AsyncDisposable {
  readonly managed: ManagedLab;
  readonly #resources: AsyncDisposableStack;

  private constructor(managed: ManagedLab, resources: AsyncDisposableStack) {
    this.managed = managed;
    this.#resources = resources;
  }

  static async start(
    devices: readonly LabDevice[],
    options: Omit<ManagedLabOptions, 'disks' | 'at'> = {},
  ): Promise<LabVm> {
    if (!isInsideLab() || devices.length > MOST_MANAGED_DISKS) {
      throw new FlashfreezeError(
        'FF_LAB_UNAVAILABLE',
        `A VM of the lab exists inside the lab only, with at most ${MOST_MANAGED_DISKS} disks, not ${devices.length}.`,
      );
    }
    await using resources = new AsyncDisposableStack();
    resources.use(await AzureLinks.make(devices));
    const disks = devices.map(({ imagePath }, index) => ({
      ...{ name: diskName(index), lun: lunOf(index), imagePath },
    }));
    const managed = resources.use(await ManagedLab.start({ ...options, disks, at: 'lab' }));
    return new LabVm(managed, resources.move());
  }

  /** Asks the resource manager, as anyone would. */
  async listSnapshots(): Promise<ListedManagedSnapshot[]> {
    const { vm } = this.managed;
    const client = await ArmClient.open(vm.environment);
    const listed: ListedManagedSnapshot[] = [];
    let next: string | undefined = this.managed.resourceId('snapshots');
    while (next !== undefined) {
      const page = (await client.get(next)).body as SnapshotPage;
      listed.push(...page.value.map(listedSnapshot));
      next = page.nextLink;
    }
    return listed;
  }

  /** Every snapshot when all operations have ended, also those that no client waits for. */
  async whenTaken(): Promise<readonly ManagedSnapshot[]> {
    let snapshots = await this.managed.snapshots();
    while (snapshots.some(({ endedNs }) => endedNs === undefined)) {
      await sleep(LOOK_MS);
      snapshots = await this.managed.snapshots();
    }
    return snapshots;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

/** Of the nth disk. */
export function diskName(index: number): string {
  return `disk${index}`;
}

function listedSnapshot({
  name,
  id,
  tags,
  properties,
}: SnapshotPage['value'][number]): ListedManagedSnapshot {
  const { timeCreated, creationData } = properties;
  return {
    name,
    id,
    tags,
    timeCreated,
    disk: creationData.sourceResourceId.split('/').at(-1) ?? '',
  };
}
