import { BlobServer } from '../../src/lab/blob-server/blob-server.ts';
import { type Random, seededRandom } from '../../src/lab/blob-server/random.ts';
import type { LabDevice } from '../../src/lab/disks.ts';
import { LAB_TLS } from '../../src/lab/lab-paths.ts';
import { diskName, LabVm } from '../../src/lab/lab-vm.ts';
import type { Scenario } from './scenario.ts';

/** The service that takes and keeps the snapshots of a proof's disks. */
export interface ProofStorage extends AsyncDisposable {
  /** What the tool is told to take a snapshot of, in the order of the disks: URLs with a SAS, or resource ids. */
  readonly targets: readonly string[];
  /** Before each round. */
  prepare(): Promise<void>;
  /**
   * When all of them are whole.
   *
   * @param snapshots in the order of the disks
   * @returns paths of their images
   */
  imagesOf(snapshots: readonly string[]): Promise<readonly string[]>;
  deleteSnapshots(): Promise<void>;
}

/** @param devices in the order of the disks */
export function startStorage(
  scenario: Scenario,
  devices: readonly LabDevice[],
): Promise<ProofStorage> {
  return scenario.managed
    ? ManagedStorage.start(scenario, devices)
    : BlobStorage.start(scenario, devices);
}

/** A page blob for each disk. */
class BlobStorage implements ProofStorage {
  readonly #server: BlobServer;
  readonly #blobs: readonly string[];

  private constructor(server: BlobServer, blobs: readonly string[]) {
    this.#server = server;
    this.#blobs = blobs;
  }

  static async start(
    { latencyMs: { from, to }, seed }: Scenario,
    devices: readonly LabDevice[],
  ): Promise<BlobStorage> {
    const server = await BlobServer.start({
      blobs: devices.map(({ deviceName, imagePath }) => ({ name: deviceName, imagePath })),
      latency: { kind: 'uniform', fromMs: from, toMs: to },
      copyAt: 'random',
      seed,
      certificate: {
        caPath: LAB_TLS.caCertificate,
        certPath: LAB_TLS.certificate,
        keyPath: LAB_TLS.key,
      },
    });
    return new BlobStorage(
      server,
      devices.map(({ deviceName }) => deviceName),
    );
  }

  get targets(): readonly string[] {
    return this.#server.urls;
  }

  async prepare(): Promise<void> {}

  async imagesOf(snapshots: readonly string[]): Promise<readonly string[]> {
    const images: string[] = [];
    for (const [index, blob] of this.#blobs.entries()) {
      const records = await this.#server.snapshots(blob);
      const record = records.find(({ snapshot }) => snapshot === snapshots[index]);
      images.push(requireImage(record, `${blob} has no snapshot ${snapshots[index]}`));
    }
    return images;
  }

  async deleteSnapshots(): Promise<void> {
    for (const blob of this.#blobs) {
      for (const { snapshot } of await this.#server.snapshots(blob)) {
        await this.#server.deleteSnapshot(blob, snapshot);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}

/** In one round at a moment of the operation drawn for each disk, in the next one at its end. */
const POINTS = ['random', 'end'] as const;

/** The disks are the managed disks of a VM. */
class ManagedStorage implements ProofStorage {
  readonly targets: readonly string[];
  readonly #vm: LabVm;
  readonly #latencyMs: Scenario['latencyMs'];
  readonly #random: Random;
  #rounds = 0;

  private constructor(vm: LabVm, disks: number, { latencyMs, seed }: Scenario) {
    this.#vm = vm;
    this.#latencyMs = latencyMs;
    this.#random = seededRandom(seed);
    this.targets = Array.from({ length: disks }, (_, index) => vm.managed.diskId(diskName(index)));
  }

  static async start(scenario: Scenario, devices: readonly LabDevice[]): Promise<ManagedStorage> {
    const vm = await LabVm.start(devices, {
      seed: scenario.seed,
      // More snapshots of a disk than the service takes in five minutes.
      limits: 'none',
      // The tool asks at its own pace.
      operation: { retryAfterSeconds: undefined },
    });
    return new ManagedStorage(vm, devices.length, scenario);
  }

  async prepare(): Promise<void> {
    const pointInTime = POINTS[this.#rounds % POINTS.length] ?? 'end';
    this.#rounds += 1;
    const { from, to } = this.#latencyMs;
    for (const index of this.targets.keys()) {
      const durationMs = from + this.#random() * (to - from);
      await this.#vm.managed.setOperation({ pointInTime, durationMs }, diskName(index));
    }
  }

  async imagesOf(snapshots: readonly string[]): Promise<readonly string[]> {
    const taken = new Map(
      (await this.#vm.whenTaken()).map((each) => [each.id.toLowerCase(), each]),
    );
    return snapshots.map((id, index) => {
      const snapshot = taken.get(id.toLowerCase());
      const isOfDisk = snapshot?.disk === diskName(index);
      return requireImage(
        isOfDisk ? snapshot : undefined,
        `${this.targets[index]} has no snapshot ${id}`,
      );
    });
  }

  async deleteSnapshots(): Promise<void> {
    for (const { id } of await this.#vm.managed.snapshots()) {
      await this.#vm.managed.deleteSnapshot(id);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#vm[Symbol.asyncDispose]();
  }
}

function requireImage(
  snapshot: { readonly imagePath: string | undefined } | undefined,
  otherwise: string,
): string {
  if (snapshot?.imagePath === undefined) {
    throw new Error(otherwise);
  }
  return snapshot.imagePath;
}
