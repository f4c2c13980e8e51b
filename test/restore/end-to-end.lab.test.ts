import { mkdir } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { makeChains } from '../../bench/proof/scenario.ts';
import { checkPlace, type PlaceFinding } from '../../bench/proof/snapshot-check.ts';
import {
  describeVerdict,
  judgeSnapshot,
  NO_TALLY,
  type Progress,
  tally,
} from '../../bench/proof/verdict.ts';
import { Writers } from '../../bench/proof/writers.ts';
import { BlobServer } from '../../src/lab/blob-server/blob-server.ts';
import { type DiskSpec, type LabDevice, LabDisks } from '../../src/lab/disks.ts';
import { LAB_TLS } from '../../src/lab/lab-paths.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import type { RestoreReport } from '../../src/restore/restore-text.ts';
import { flashfreeze } from '../commands/command-line.ts';
import { suite } from '../suite.ts';
import {
  downloadRestored,
  forgetRuns,
  listPoints,
  managedStorage,
  restoreAll,
  type Storage,
  verifyDeep,
} from './way-back.ts';

await enterLab({ lifetimeSeconds: 600, commands: ['xfs_repair', 'dumpe2fs'] });

const test = suite('from writers to restored disks');

const SPECS: readonly DiskSpec[] = [
  { type: 'ext4' },
  { type: 'xfs' },
  { type: 'btrfs', devices: 2 },
];
const CHAINS = makeChains(3, SPECS.length, 1);

async function blobStorage(devices: readonly LabDevice[]): Promise<Storage> {
  const server = await BlobServer.start({
    blobs: devices.map(({ deviceName, imagePath }) => ({ name: deviceName, imagePath })),
    latency: { kind: 'uniform', fromMs: 5, toMs: 100 },
    certificate: {
      caPath: LAB_TLS.caCertificate,
      certPath: LAB_TLS.certificate,
      keyPath: LAB_TLS.key,
    },
  });
  const container = server.containerUrl();
  return {
    targets: [
      ...server.urls.flatMap((url) => ['--blob', url]),
      ...['--manifest', server.containerUrl({ permissions: 'c' })],
    ],
    where: ['--container', container],
    copyRestored: async (report, index, image) =>
      await downloadRestored(container, report, devices[index]?.deviceName ?? '', image),
    [Symbol.asyncDispose]: async () => await server[Symbol.asyncDispose](),
  };
}

/** Ordered writers on the disks, and a service whose snapshots have their content. */
class Machine implements AsyncDisposable {
  readonly storage: Storage;
  readonly #disks: LabDisks;
  readonly #writers: Writers;
  readonly #resources: AsyncDisposableStack;

  private constructor(parts: {
    storage: Storage;
    disks: LabDisks;
    writers: Writers;
    resources: AsyncDisposableStack;
  }) {
    this.storage = parts.storage;
    this.#disks = parts.disks;
    this.#writers = parts.writers;
    this.#resources = parts.resources;
  }

  static async start(
    makeStorage: (devices: readonly LabDevice[]) => Promise<Storage>,
  ): Promise<Machine> {
    await using made = new AsyncDisposableStack();
    const disks = made.use(await LabDisks.create(SPECS));
    const storage = made.use(await makeStorage(disks.disks.flatMap(devicesOf)));
    const writers = made.use(Writers.start(CHAINS, disks.disks));
    return new Machine({ storage, disks, writers, resources: made.move() });
  }

  /** Takes a snapshot while the writers write, all round the disks before it. */
  async snapshot(...options: readonly string[]): Promise<Progress> {
    const enough = (await this.#writers.go()).map((durable) => durable + 4 * SPECS.length);
    let before = await this.#writers.report();
    while (before.some((durable, index) => durable < (enough[index] ?? 0))) {
      before = await this.#writers.report();
    }
    const args = ['snapshot', ...this.storage.targets, '--quiet', ...options];
    const { exitCode, stderr } = await flashfreeze(args);
    assert.is(exitCode, 0, stderr);
    return { before, after: await this.#writers.rest() };
  }

  /** What was restored of the file system at this place. */
  async look(report: RestoreReport, place: number): Promise<PlaceFinding> {
    const disk = this.#disks.disks[place];
    assert.ok(disk);
    const folder = `/lab/restored/${report.restorePoint}`;
    await mkdir(folder, { recursive: true });
    const devices = this.#disks.disks.flatMap(devicesOf);
    const images: string[] = [];
    for (const device of devicesOf(disk)) {
      const image = `${folder}/${device.deviceName}.img`;
      await this.storage.copyRestored(report, devices.indexOf(device), image);
      images.push(image);
    }
    return await checkPlace({ place, type: disk.type, images }, CHAINS, '/lab/checked');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

function devicesOf(disk: LabDisks['disks'][number]): readonly LabDevice[] {
  return [disk, ...disk.others];
}

function nameOf(place: number): string {
  return `disk${place} (${SPECS[place]?.type})`;
}

const KINDS = [
  ['blobs', blobStorage],
  ['managed disks', managedStorage],
] as const;

for (const [kind, makeStorage] of KINDS) {
  test(`restored ${kind} show the cut of the barrier, from the service alone`, async () => {
    await using machine = await Machine.start(makeStorage);
    const { where } = machine.storage;
    const progress = await machine.snapshot();
    await machine.snapshot();
    await machine.snapshot('--no-freeze');
    await forgetRuns();

    const points = await listPoints(where);
    assert.equal(
      points.slice(1).map(({ worth }) => worth),
      ['complete', 'complete'],
    );
    const [unfrozen = '', second = '', first = ''] = points.map(({ id }) => id);

    const deep = await verifyDeep(where, first);
    assert.is(deep.exitCode, 0, JSON.stringify(deep.report.disks));
    const restored = await restoreAll(where, first, 'first-');
    const findings: PlaceFinding[] = [];
    for (const place of SPECS.keys()) {
      findings.push(await machine.look(restored, place));
    }
    const verdict = judgeSnapshot(CHAINS, findings, progress);
    assert.equal(describeVerdict(verdict, nameOf), []);
    assert.equal(tally(verdict), NO_TALLY);
    assert.ok(verdict.chains.every(({ last }) => last >= SPECS.length));

    // Negative controls: a disk of another instant, and disks that were not frozen.
    const other = await machine.look(await restoreAll(where, second, 'second-'), 0);
    const mixed = tally(judgeSnapshot(CHAINS, [other, ...findings.slice(1)], progress));
    assert.ok(mixed.cutViolations > 0, 'a disk of another instant');

    assert.is((await verifyDeep(where, unfrozen)).exitCode, 1);
    const live = await restoreAll(where, unfrozen, 'live-', '--accept', 'inconsistent');
    assert.is((await machine.look(live, 0)).state.kind, 'needs-recovery');
  });
}

test.run();
