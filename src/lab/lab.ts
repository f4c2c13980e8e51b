import { lunOf } from './azure-links.ts';
import { Azurite } from './azurite.ts';
import { BlobServer } from './blob-server/blob-server.ts';
import { type DiskSpec, type LabDisk, LabDisks } from './disks.ts';
import { LAB_TLS } from './lab-paths.ts';
import { diskName, LabVm, type ListedManagedSnapshot } from './lab-vm.ts';
import type { ManagedLabOptions } from './managed/options.ts';
import { Writers, type WriterTotals } from './writers.ts';

export interface LabSpec {
  readonly disks: readonly DiskSpec[];
  /** `images`: the disks' images are the blobs, so that their snapshots have all content. */
  readonly blobs: 'azurite' | 'images' | 'none';
  readonly writers: boolean;
  /** The disks are the managed disks of a VM. */
  readonly vm?: Omit<ManagedLabOptions, 'disks' | 'at'>;
}

export interface LabParts {
  readonly disks: LabDisks;
  readonly azurite: Azurite | undefined;
  readonly blobServer: BlobServer | undefined;
  readonly vm: LabVm | undefined;
  readonly writers: Writers | undefined;
  /** SAS URLs, one for each disk and in their order; empty without blobs. */
  readonly blobUrls: readonly string[];
}

/**
 * Disks, a page blob for each of them, writers on each: the whole scene of a snapshot. Only inside
 * the lab (`enterLab`).
 */
export class Lab implements AsyncDisposable {
  readonly #resources: AsyncDisposableStack;
  readonly parts: LabParts;

  private constructor(resources: AsyncDisposableStack, parts: LabParts) {
    this.#resources = resources;
    this.parts = parts;
  }

  static async create(spec: LabSpec): Promise<Lab> {
    await using made = new AsyncDisposableStack();
    // Side by side: both are mostly waiting. Each is owned at once, whatever becomes of the other.
    const own = async <Resource extends AsyncDisposable>(resource: Promise<Resource>) =>
      made.use(await resource);
    const [disks, azurite] = await settled(
      own(LabDisks.create(spec.disks)),
      spec.blobs === 'azurite' ? own(Azurite.start()) : Promise.resolve(undefined),
    );
    const blobServer =
      spec.blobs === 'images' ? made.use(await blobServerOf(disks.disks)) : undefined;
    const blobUrls =
      azurite === undefined
        ? (blobServer?.urls ?? [])
        : await Promise.all(
            disks.disks.map((disk) => azurite.createPageBlob(blobName(disk), disk)),
          );
    const vm =
      spec.vm === undefined ? undefined : made.use(await LabVm.start(disks.disks, spec.vm));
    const writers = spec.writers
      ? made.use(await Writers.start(disks.disks.map(({ mountPoint }) => mountPoint)))
      : undefined;
    return new Lab(made.move(), { disks, azurite, blobServer, vm, writers, blobUrls });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

/** The blob that stands for a disk. */
export function blobName({ index }: LabDisk): string {
  return `disk${index}.vhd`;
}

async function blobServerOf(disks: readonly LabDisk[]): Promise<BlobServer> {
  return await BlobServer.start({
    blobs: disks.map((disk) => ({ name: blobName(disk), imagePath: disk.imagePath })),
    listeners: 'shared',
    certificate: {
      caPath: LAB_TLS.caCertificate,
      certPath: LAB_TLS.certificate,
      keyPath: LAB_TLS.key,
    },
  });
}

/** Both results, or the first failure, but not before both have ended. */
async function settled<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([a, b]);
  return Promise.all([a, b]);
}

/** Disks of every kind by turns. */
export function mixedDisks(count: number): DiskSpec[] {
  const kinds: DiskSpec[] = [
    { type: 'ext4' },
    { type: 'xfs' },
    { type: 'btrfs' },
    { type: 'ext4', layout: 'gpt' },
  ];
  const rounds = Array.from({ length: Math.ceil(count / kinds.length) }, () => kinds);
  return rounds.flat().slice(0, count);
}

/** What a disk and its writer have to show after a snapshot. */
interface Listed {
  readonly sizeBytes: number;
  readonly writes: number;
  readonly longestStallMs: number;
}

export interface ListedDisk extends Listed {
  readonly blob: string;
  /** Their times. */
  readonly snapshots: readonly string[];
}

export interface ListedManagedDisk extends Listed {
  readonly disk: string;
  /** −1: the OS disk. */
  readonly lun: number;
  readonly snapshots: readonly ListedManagedSnapshot[];
}

/** Stops the writers and asks Azurite for each disk's snapshots. */
export async function listBack({ parts }: Lab): Promise<ListedDisk[]> {
  const totals = (await parts.writers?.stop()) ?? [];
  return await Promise.all(
    parts.disks.disks.map(async (disk, index) => {
      const listed = (await parts.azurite?.listSnapshots(blobName(disk))) ?? [];
      return {
        blob: blobName(disk),
        snapshots: listed.map(({ snapshot }) => snapshot),
        ...figuresOf(disk, totals[index]),
      };
    }),
  );
}

/** Stops the writers and asks the resource manager for the snapshots of each disk. */
export async function listManagedBack({ parts }: Lab): Promise<ListedManagedDisk[]> {
  const totals = (await parts.writers?.stop()) ?? [];
  const listed = (await parts.vm?.listSnapshots()) ?? [];
  return parts.disks.disks.map((disk, index) => ({
    disk: diskName(index),
    lun: lunOf(index),
    snapshots: listed.filter((snapshot) => snapshot.disk === diskName(index)),
    ...figuresOf(disk, totals[index]),
  }));
}

function figuresOf({ sizeBytes }: LabDisk, totals: WriterTotals | undefined): Listed {
  return {
    sizeBytes,
    writes: totals?.writes ?? 0,
    longestStallMs: totals?.longestStallMs ?? 0,
  };
}
