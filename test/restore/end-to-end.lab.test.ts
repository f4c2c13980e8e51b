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
import { flashfreeze } from '../commands/command-line.ts';
import { suite } from '../suite.ts';
import { downloadRestored, forgetRuns, listPoints, restoreBlobs, verifyDeep } from './way-back.ts';

await enterLab({ lifetimeSeconds: 600, commands: ['xfs_repair', 'dumpe2fs'] });

const test = suite('from writers to restored disks');

const SPECS: readonly DiskSpec[] = [
  { type: 'ext4' },
  { type: 'xfs' },
  { type: 'btrfs', devices: 2 },
];
const CHAINS = makeChains(3, SPECS.length, 1);

/** Ordered writers on the disks, and a blob service whose snapshots have their content. */
class Machine implements AsyncDisposable {
  readonly server: BlobServer;
  readonly #disks: LabDisks;
  readonly #writers: Writers;
  readonly #resources: AsyncDisposableStack;

  private constructor(parts: {
    server: BlobServer;
    disks: LabDisks;
    writers: Writers;
    resources: AsyncDisposableStack;
  }) {
    this.server = parts.server;
    this.#disks = parts.disks;
    this.#writers = parts.writers;
    this.#resources = parts.resources;
  }

  static async start(): Promise<Machine> {
    await using made = new AsyncDisposableStack();
    const disks = made.use(await LabDisks.create(SPECS));
    const server = made.use(
      await BlobServer.start({
        blobs: disks.disks.flatMap(devicesOf).map(({ deviceName, imagePath }) => ({
          ...{ name: deviceName, imagePath },
        })),
        latency: { kind: 'uniform', fromMs: 5, toMs: 100 },
        certificate: {
          caPath: LAB_TLS.caCertificate,
          certPath: LAB_TLS.certificate,
          keyPath: LAB_TLS.key,
        },
      }),
    );
    const writers = made.use(Writers.start(CHAINS, disks.disks));
    return new Machine({ server, disks, writers, resources: made.move() });
  }

  /** Takes a snapshot while the writers write, all round the disks before it. */
  async snapshot(...options: readonly string[]): Promise<Progress> {
    const enough = (await this.#writers.go()).map((durable) => durable + 4 * SPECS.length);
    let before = await this.#writers.report();
    while (before.some((durable, index) => durable < (enough[index] ?? 0))) {
      before = await this.#writers.report();
    }
    const blobs = this.server.urls.flatMap((url) => ['--blob', url]);
    const manifest = this.server.containerUrl({ permissions: 'c' });
    const args = ['snapshot', ...blobs, '--manifest', manifest, '--quiet', ...options];
    const { exitCode, stderr } = await flashfreeze(args);
    assert.is(exitCode, 0, stderr);
    return { before, after: await this.#writers.rest() };
  }

  /** What the restored blobs hold of the file system at this place. */
  async look(
    report: Awaited<ReturnType<typeof restoreBlobs>>,
    place: number,
  ): Promise<PlaceFinding> {
    const disk = this.#disks.disks[place];
    assert.ok(disk);
    const folder = `/lab/restored/${report.restorePoint}`;
    await mkdir(folder, { recursive: true });
    const images: string[] = [];
    for (const { deviceName } of devicesOf(disk)) {
      const image = `${folder}/${deviceName}.img`;
      await downloadRestored(this.server.containerUrl(), report, deviceName, image);
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

test('restored blobs show the cut of the barrier, from the service alone', async () => {
  await using machine = await Machine.start();
  const progress = await machine.snapshot();
  await machine.snapshot();
  await machine.snapshot('--no-freeze');
  await forgetRuns();

  const container = machine.server.containerUrl();
  const points = await listPoints(container);
  assert.equal(
    points.slice(1).map(({ worth }) => worth),
    ['complete', 'complete'],
  );
  const [unfrozen = '', second = '', first = ''] = points.map(({ id }) => id);

  const deep = await verifyDeep(container, first);
  assert.is(deep.exitCode, 0, JSON.stringify(deep.report.disks));
  const restored = await restoreBlobs(container, first, 'first/');
  const findings: PlaceFinding[] = [];
  for (const place of SPECS.keys()) {
    findings.push(await machine.look(restored, place));
  }
  const verdict = judgeSnapshot(CHAINS, findings, progress);
  assert.equal(describeVerdict(verdict, nameOf), []);
  assert.equal(tally(verdict), NO_TALLY);
  assert.ok(verdict.chains.every(({ last }) => last >= SPECS.length));

  // Negative controls: a disk of another instant, and disks that were not frozen.
  const other = await machine.look(await restoreBlobs(container, second, 'second/'), 0);
  const mixed = tally(judgeSnapshot(CHAINS, [other, ...findings.slice(1)], progress));
  assert.ok(mixed.cutViolations > 0, 'a disk of another instant');

  assert.is((await verifyDeep(container, unfrozen)).exitCode, 1);
  const live = await restoreBlobs(container, unfrozen, 'live/', '--accept', 'inconsistent');
  assert.is((await machine.look(live, 0)).state.kind, 'needs-recovery');
});

test.run();
