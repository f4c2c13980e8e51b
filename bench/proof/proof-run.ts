import { setTimeout as sleep } from 'node:timers/promises';
import type { FireRule } from '../../src/config/vmbackup.ts';
import { type Random, seededRandom } from '../../src/lab/blob-server/random.ts';
import { type LabDevice, type LabDisk, LabDisks } from '../../src/lab/disks.ts';
import { RawDisks } from '../../src/lab/raw-disks.ts';
import { mapAtOnce } from '../../src/lab/run-command.ts';
import type { Chain } from './order.ts';
import { rawDiskBytes } from './raw-area.ts';
import { diskSpecs, makeChains, makeRawChain, type Scenario } from './scenario.ts';
import { checkPlace, checkRaw, type PlaceFinding } from './snapshot-check.ts';
import { type ProofStorage, startStorage } from './storage.ts';
import { judgeSnapshot, type Progress, tally, type Verdict } from './verdict.ts';
import { Writers } from './writers.ts';

/**
 * How the snapshots are taken: one for each target, in the order of the targets, those of raw disks last. Each is named as
 * its service does: by `x-ms-snapshot`, or by its resource id.
 */
export type TakeSnapshots = (request: {
  /** Of the disks with file systems: URLs of page blobs, or resource ids of managed disks. */
  readonly targets: readonly string[];
  readonly rawTargets: readonly string[];
  /** They are managed disks. */
  readonly managed: boolean;
  readonly mountPoints: readonly string[];
  readonly freeze: boolean;
  readonly fire: FireRule;
  readonly lanes: number;
}) => Promise<Taken>;

export type Taken =
  | {
      readonly ok: true;
      readonly snapshots: readonly string[];
      /** Of which of them it is said that they show the instant. */
      readonly claimed: readonly boolean[];
      readonly longestWindowMs: number;
    }
  | { readonly ok: false; readonly problems: readonly string[] };

export type Round =
  | {
      readonly ok: true;
      /** Of the disks that are said to show the instant. */
      readonly verdict: Verdict;
      readonly raw: RawFindings;
      readonly longestWindowMs: number;
    }
  | { readonly ok: false; readonly problems: readonly string[] };

/** What is said of the raw disks, and what comes of it. */
export interface RawFindings {
  /** Of so many it is said that they show the instant. */
  readonly claimed: number;
  readonly notClaimed: number;
  /** So many of the others would contradict the cut if it were said of them, too: each beside the claimed ones. */
  readonly torn: number;
  /** Violations of the cut if all disks were believed to show the instant, whatever is said. */
  readonly unheededViolations: number;
}

/** Between two snapshots the writers go on for up to so long, by the seed. */
const LONGEST_WRITING_MS = 60;
const CHECKS_AT_ONCE = 2;

/** Disks, their storage and the writers of a proof. */
export class Proof implements AsyncDisposable {
  readonly #scenario: Scenario;
  readonly #resources: AsyncDisposableStack;
  readonly #disks: readonly LabDisk[];
  /** Their places come after those of the others. */
  readonly #rawDisks: readonly LabDevice[];
  readonly #storage: ProofStorage;
  readonly #chains: readonly Chain[];
  readonly #writers: Writers;
  readonly #random: Random;

  private constructor(parts: {
    scenario: Scenario;
    resources: AsyncDisposableStack;
    disks: readonly LabDisk[];
    rawDisks: readonly LabDevice[];
    storage: ProofStorage;
  }) {
    const { scenario, resources, disks, rawDisks, storage } = parts;
    this.#scenario = scenario;
    this.#resources = resources;
    this.#disks = disks;
    this.#rawDisks = rawDisks;
    this.#storage = storage;
    this.#random = seededRandom(scenario.seed);
    this.#chains = chainsOf(scenario, disks.length, rawDisks.length);
    this.#writers = resources.use(Writers.start(this.#chains, [...disks, ...rawDisks]));
  }

  /** Inside the lab only. */
  static async setUp(scenario: Scenario): Promise<Proof> {
    await using resources = new AsyncDisposableStack();
    const { disks } = resources.use(await LabDisks.create(diskSpecs(scenario.disks)));
    const rawBytes = rawDiskBytes(scenario.chains + 1);
    const { disks: rawDisks } = resources.use(await RawDisks.create(scenario.raw, rawBytes));
    const devices = [...disks.flatMap(devicesOf), ...rawDisks];
    const storage = resources.use(await startStorage(scenario, devices));
    return new Proof({ scenario, resources: resources.move(), disks, rawDisks, storage });
  }

  get #mountPoints(): readonly string[] {
    return this.#disks.map(({ mountPoint }) => mountPoint);
  }

  /** `disk4 (xfs)` */
  nameOf(place: number): string {
    return `disk${place} (${this.#disks[place]?.type ?? 'raw'})`;
  }

  /** Takes and checks one snapshot of all disks; nothing of it is left afterwards. */
  async round(take: TakeSnapshots): Promise<Round> {
    await this.#storage.prepare();
    await this.#letWrite();
    const before = await this.#writers.report();
    const { targets } = this.#storage;
    const { managed, freeze, fire, lanes } = this.#scenario;
    const frozen = targets.length - this.#rawDisks.length;
    const taken = await take({
      targets: targets.slice(0, frozen),
      rawTargets: targets.slice(frozen),
      mountPoints: this.#mountPoints,
      ...{ managed, freeze, fire, lanes },
    });
    const after = await this.#writers.rest();
    try {
      if (!taken.ok) {
        return taken;
      }
      const findings = await this.#check(taken.snapshots);
      const { longestWindowMs, claimed } = taken;
      return { ok: true, longestWindowMs, ...this.#judge(findings, claimed, { before, after }) };
    } finally {
      await this.#storage.deleteSnapshots();
    }
  }

  /** Only those places need be of one instant of which it is said. */
  #judge(
    findings: readonly PlaceFinding[],
    claimed: readonly boolean[],
    progress: Progress,
  ): { readonly verdict: Verdict; readonly raw: RawFindings } {
    const judge = (of: readonly PlaceFinding[]): Verdict =>
      judgeSnapshot(this.#chains, of, progress);
    const violations = (of: readonly PlaceFinding[]): number => tally(judge(of)).cutViolations;
    const claimedNames = new Set(this.#deviceNames.filter((_, index) => claimed[index]));
    const isClaimed = ({ place }: PlaceFinding): boolean =>
      this.#devicesOf(place).every(({ deviceName }) => claimedNames.has(deviceName));
    const heeded = findings.filter(isClaimed);
    const others = findings.filter((it) => !isClaimed(it));
    return {
      verdict: judge(heeded),
      raw: {
        claimed: this.#rawDisks.length - others.length,
        notClaimed: others.length,
        torn: others.filter((it) => violations([...heeded, it]) > violations(heeded)).length,
        unheededViolations: violations(findings),
      },
    };
  }

  /** Until every chain has been round all places once more, and a while longer. */
  async #letWrite(): Promise<void> {
    const enough = (await this.#writers.go()).map(
      (durable, index) => durable + (this.#chains[index]?.places.length ?? 0),
    );
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
      images: devicesOf(disk).map(({ deviceName }) => images.get(deviceName) ?? ''),
    }));
    const findings = await mapAtOnce(checks, CHECKS_AT_ONCE, (each) =>
      checkPlace(each, this.#chains, '/lab/proof'),
    );
    const rawChecks = this.#rawDisks.map(({ deviceName }, index) =>
      checkRaw(images.get(deviceName) ?? '', this.#disks.length + index, this.#chains),
    );
    return [...findings, ...(await Promise.all(rawChecks))];
  }

  /** By the names of their devices. */
  async #imagesOfSnapshots(snapshots: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const images = await this.#storage.imagesOf(snapshots);
    return new Map(this.#deviceNames.map((name, index) => [name, images[index] ?? '']));
  }

  /** In the order of the targets. */
  get #deviceNames(): readonly string[] {
    return [...this.#disks.flatMap(devicesOf), ...this.#rawDisks].map((it) => it.deviceName);
  }

  #devicesOf(place: number): readonly LabDevice[] {
    const disk = this.#disks[place];
    const raw = this.#rawDisks[place - this.#disks.length];
    return [...(disk === undefined ? [] : devicesOf(disk)), ...(raw === undefined ? [] : [raw])];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

/** Every device of a disk's file system. */
function devicesOf(disk: LabDisk): readonly LabDevice[] {
  return [disk, ...disk.others];
}

function chainsOf({ chains, seed }: Scenario, disks: number, rawDisks: number): readonly Chain[] {
  const all = makeChains(chains, disks + rawDisks, seed);
  const rawPlaces = Array.from({ length: rawDisks }, (_, index) => disks + index);
  return rawDisks === 0 ? all : [...all, makeRawChain(chains, rawPlaces, seed)];
}
