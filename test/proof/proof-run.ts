import { setTimeout as sleep } from 'node:timers/promises';
import type { FireRule } from '../../src/config/vmbackup.ts';
import { BlobServer } from '../lab/blob-server/blob-server.ts';
import { type Random, seededRandom } from '../lab/blob-server/random.ts';
import { type LabDisk, LabDisks } from '../lab/disks.ts';
import { LAB_TLS } from '../lab/lab-paths.ts';
import { mapAtOnce } from '../lab/run-command.ts';
import type { Chain } from './order.ts';
import { diskSpecs, makeChains, type Scenario } from './scenario.ts';
import { checkPlace, type PlaceFinding } from './snapshot-check.ts';
import { judgeSnapshot, type Verdict } from './verdict.ts';
import { Writers } from './writers.ts';

/** How the snapshots are taken: one for each URL, its `x-ms-snapshot` in the order of the URLs. */
export type TakeSnapshots = (request: {
  readonly urls: readonly string[];
  readonly mountPoints: readonly string[];
  readonly freeze: boolean;
  readonly fire: FireRule;
}) => Promise<Taken>;

export type Taken =
  | { readonly ok: true; readonly snapshots: readonly string[]; readonly longestWindowMs: number }
  | { readonly ok: false; readonly problems: readonly string[] };

export type Round =
  | { readonly ok: true; readonly verdict: Verdict; readonly longestWindowMs: number }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Between two snapshots the writers go on for up to so long, by the seed. */
const LONGEST_WRITING_MS = 60;
const CHECKS_AT_ONCE = 2;

/** Disks, blobs, server and writers of a proof. */
export class Proof implements AsyncDisposable {
  readonly #scenario: Scenario;
  readonly #resources: AsyncDisposableStack;
  readonly #disks: readonly LabDisk[];
  readonly #server: BlobServer;
  readonly #chains: readonly Chain[];
  readonly #writers: Writers;
  readonly #random: Random;

  private constructor(parts: {
    scenario: Scenario;
    resources: AsyncDisposableStack;
    disks: readonly LabDisk[];
    server: BlobServer;
  }) {
    const { scenario, resources, disks, server } = parts;
    this.#scenario = scenario;
    this.#resources = resources;
    this.#disks = disks;
    this.#server = server;
    this.#random = seededRandom(scenario.seed);
    this.#chains = makeChains(scenario.chains, disks.length, scenario.seed);
    this.#writers = resources.use(Writers.start(this.#chains, this.#mountPoints));
  }

  /** Inside the lab only. */
  static async setUp(scenario: Scenario): Promise<Proof> {
    await using resources = new AsyncDisposableStack();
    const { disks } = resources.use(await LabDisks.create(diskSpecs(scenario.disks)));
    const { from, to } = scenario.latencyMs;
    const server = resources.use(
      await BlobServer.start({
        blobs: disks.flatMap(imagesOf).map(({ blob, imagePath }) => ({ name: blob, imagePath })),
        latency: { kind: 'uniform', fromMs: from, toMs: to },
        copyAt: 'random',
        seed: scenario.seed,
        certificate: {
          caPath: LAB_TLS.caCertificate,
          certPath: LAB_TLS.certificate,
          keyPath: LAB_TLS.key,
        },
      }),
    );
    return new Proof({ scenario, resources: resources.move(), disks, server });
  }

  get #mountPoints(): readonly string[] {
    return this.#disks.map(({ mountPoint }) => mountPoint);
  }

  /** `disk4 (xfs)` */
  nameOf(place: number): string {
    return `disk${place} (${this.#disks[place]?.type})`;
  }

  /** Takes and checks one snapshot of all disks; nothing of it is left afterwards. */
  async round(take: TakeSnapshots): Promise<Round> {
    await this.#letWrite();
    const before = await this.#writers.report();
    const taken = await take({
      urls: this.#server.urls,
      mountPoints: this.#mountPoints,
      freeze: this.#scenario.freeze,
      fire: this.#scenario.fire,
    });
    const after = await this.#writers.rest();
    try {
      if (!taken.ok) {
        return taken;
      }
      const findings = await this.#check(taken.snapshots);
      const verdict = judgeSnapshot(this.#chains, findings, { before, after });
      return { ok: true, verdict, longestWindowMs: taken.longestWindowMs };
    } finally {
      await this.#deleteSnapshots();
    }
  }

  /** Until every chain has been round all places once more, and a while longer. */
  async #letWrite(): Promise<void> {
    const enough = (await this.#writers.go()).map((durable) => durable + this.#disks.length);
    let counts = await this.#writers.report();
    while (counts.some((durable, index) => durable < (enough[index] ?? 0))) {
      counts = await this.#writers.report();
    }
    await sleep(this.#random() * LONGEST_WRITING_MS);
  }

  async #check(snapshots: readonly string[]): Promise<readonly PlaceFinding[]> {
    const images = await this.#imagesOfSnapshots(snapshots);
    const checks = this.#disks.map((disk, place) => ({
      place,
      type: disk.type,
      images: imagesOf(disk).map(({ blob }) => images.get(blob) ?? ''),
    }));
    return mapAtOnce(checks, CHECKS_AT_ONCE, (each) =>
      checkPlace(each, this.#chains, '/lab/proof'),
    );
  }

  async #imagesOfSnapshots(snapshots: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const images = new Map<string, string>();
    const blobs = this.#blobs;
    for (const [index, blob] of blobs.entries()) {
      const records = await this.#server.snapshots(blob);
      const record = records.find(({ snapshot }) => snapshot === snapshots[index]);
      if (record?.imagePath === undefined) {
        throw new Error(`${blob} has no snapshot ${snapshots[index]}`);
      }
      images.set(blob, record.imagePath);
    }
    return images;
  }

  async #deleteSnapshots(): Promise<void> {
    for (const blob of this.#blobs) {
      for (const { snapshot } of await this.#server.snapshots(blob)) {
        await this.#server.deleteSnapshot(blob, snapshot);
      }
    }
  }

  get #blobs(): readonly string[] {
    return this.#disks.flatMap((disk) => imagesOf(disk).map(({ blob }) => blob));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

/** The blob and the image of each device of a disk's file system. */
function imagesOf(disk: LabDisk): { readonly blob: string; readonly imagePath: string }[] {
  return [disk, ...disk.others].map(({ deviceName, imagePath }) => ({
    blob: deviceName,
    imagePath,
  }));
}
