import { existsSync } from 'node:fs';
import { copyFile, cp, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BlobServer } from '../../src/lab/blob-server/blob-server.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { makeChains } from '../proof/scenario.ts';
import { type AnyMachine, type DiskFile, diskFilesOf, snapshotRootOf } from './any-machine.ts';
import { boot, type Stage } from './boot.ts';
import { comparePlan } from './comparison.ts';
import { type Drilled, judgeDrill } from './drills/drills.ts';
import { judgeOperation } from './judge-operation.ts';
import type { Kernel } from './kernels.ts';
import type { Made } from './provisions.ts';
import { diskRules } from './qemu/arguments.ts';
import { compareDisks, withDiskNames } from './qemu/disk-names.ts';
import type { QemuMachine } from './qemu/machine.ts';
import type { MachineResult } from './results.ts';
import { judgeSnapshotRun, snapshotsNamed } from './snapshot-run.ts';
import type { Checked, CommandEnd, Frozen, Order } from './stages.ts';
import { Forwarder } from './wire.ts';

const CHAINS = 2;
const SEED = 1;
const LATENCY = { kind: 'uniform', fromMs: 20, toMs: 300 } as const;
const NOT_ALL_DISKS = 'there is not a snapshot of every disk: nothing was checked';
const BLOB_HOST = 'lab.blob.core.windows.net';

/** One machine on one kernel. Its folder, work/, is empty before and after. */
export class MachineRound {
  readonly #machine: AnyMachine;
  readonly #kernel: Kernel;
  readonly #made: Made;
  readonly #work: string;
  readonly #record: boolean;

  constructor(parts: {
    machine: AnyMachine;
    kernel: Kernel;
    made: Made;
    work: string;
    record: boolean;
  }) {
    this.#machine = parts.machine;
    this.#kernel = parts.kernel;
    this.#made = parts.made;
    this.#work = parts.work;
    this.#record = parts.record;
  }

  /** @param logs folder for what the machine said, made here */
  async play(logs: string): Promise<MachineResult> {
    const startMs = performance.now();
    const { name, fileSystems, disks } = this.#machine;
    await this.#layOut();
    let found: Found = { problems: [], records: 0, windowMs: 0, release: this.#kernel.name };
    try {
      found = await this.#findings();
    } catch (error) {
      found = { ...found, problems: [error instanceof Error ? error.message : String(error)] };
    } finally {
      await this.#keepLogs(logs);
    }
    return {
      ...{ machine: name, kernel: this.#kernel.name, ...found, earlier: false },
      ...{ fileSystems: fileSystems.length + 1, disks: disks.length + 1 },
      seconds: (performance.now() - startMs) / 1000,
    };
  }

  /** The OS disk first. */
  get #disks(): readonly DiskFile[] {
    return diskFilesOf(this.#machine);
  }

  async #layOut(): Promise<void> {
    for (const folder of ['share', 'snapshots']) {
      await rm(join(this.#work, folder), { recursive: true, force: true });
      await mkdir(join(this.#work, folder));
    }
    await runCommand('cp', [
      '--recursive',
      '--link',
      this.#made.payload,
      this.#path('share/payload'),
    ]);
    await this.#freshOsDisk();
    for (const { name, megabytes } of this.#disks.slice(1)) {
      await using image = await open(this.#path(imageOf(name)), 'w');
      await image.truncate(megabytes * 2 ** 20);
    }
    if (this.#machine.kind === 'qemu') {
      await this.#describeDisks(this.#machine);
    }
    const all = [...this.#machine.fileSystems, snapshotRootOf(this.#machine)];
    const order: Order = {
      fileSystems: all,
      chains: makeChains(CHAINS, all.length, SEED),
      drills: this.#machine.kind === 'qemu' ? (this.#machine.drills ?? []) : [],
      record: this.#record,
    };
    await writeFile(this.#path('share/order.json'), JSON.stringify(order));
    await writeFile(this.#path('share/mounts'), mountLines(this.#machine));
  }

  /** For the rules of udev, and for what sysfs shows. */
  async #describeDisks(machine: QemuMachine): Promise<void> {
    await writeFile(this.#path('share/disks.rules'), diskRules(machine));
    const { chassis } = machine;
    if (chassis.kind === 'azure' && chassis.scsiControllers.length > 0) {
      await writeFile(this.#path('share/vmbus'), chassis.scsiControllers.join(' '));
    }
  }

  async #freshOsDisk(): Promise<void> {
    const [os] = this.#disks;
    const image = this.#path(imageOf(os?.name ?? ''));
    await rm(image, { force: true });
    await runCommand('cp', ['--sparse=always', this.#made.osImage, image]);
  }

  async #findings(): Promise<Found> {
    const { frozen, images } = await this.#freeze();
    const { windowMs, problems, isClaimed } = judgeRuns(frozen, this.#machine);
    const release = frozen.release;
    if (!isClaimed) {
      return { problems, records: 0, windowMs, release };
    }
    if (images === undefined) {
      return { problems: [...problems, NOT_ALL_DISKS], records: 0, windowMs, release };
    }
    const checked = await this.#check(images);
    const drills = await this.#drill();
    return {
      problems: [...problems, ...checked.problems, ...drills.flatMap(judgeDrill)],
      ...(drills.length > 0 && { drills }),
      records: checked.records,
      windowMs,
      release,
    };
  }

  /** Images of the snapshots by the names of the disks; undefined if the run names not one of each that has a blob. */
  async #freeze(): Promise<{ frozen: Frozen; images: ReadonlyMap<string, string> | undefined }> {
    const names = this.#disks.filter(({ hasBlob }) => hasBlob).map(({ name }) => name);
    await using server = await this.#serveBlobs(names);
    await using _ = await this.#forward(server);
    await this.#boot(
      'freeze',
      this.#disks.map(({ name }) => imageOf(name)),
    );
    const said: Frozen = JSON.parse(await readFile(this.#path('share/frozen.json'), 'utf8'));
    const frozen = { ...withDiskNames(said, said.names), names: said.names };
    const named = snapshotsNamed(frozen.snapshot);
    const images = new Map<string, string>();
    for (const name of names) {
      const records = await server.snapshots(name);
      const record = records.find(({ snapshot }) => snapshot === named.get(name));
      if (record?.imagePath === undefined) {
        return { frozen, images: undefined };
      }
      images.set(name, record.imagePath.slice(this.#work.length + 1));
    }
    return { frozen, images };
  }

  #serveBlobs(names: readonly string[]): Promise<BlobServer> {
    return BlobServer.start({
      blobs: names.map((name) => ({ name, imagePath: this.#path(imageOf(name)) })),
      latency: LATENCY,
      listeners: 'shared',
      snapshotDirectory: this.#path('snapshots'),
      seed: SEED,
    });
  }

  /** Tells the machine of the blobs, in another order than that of the disks: which is which must be found out. */
  async #forward(server: BlobServer): Promise<Forwarder> {
    const urls = server.urls.map((url) => url.replace('127.0.0.1', BLOB_HOST)).reverse();
    await writeFile(this.#path('share/blobs'), `${urls.join('\n')}\n`);
    await copyFile(server.caPath, this.#path('share/ca.pem'));
    return await Forwarder.start(Number(new URL(server.urls[0] ?? '').port));
  }

  /** The disks as they are now, and what breaks. */
  async #drill(): Promise<readonly Drilled[]> {
    const machine = this.#machine;
    const drills = machine.kind === 'qemu' ? (machine.drills ?? []) : [];
    if (drills.length === 0) {
      return [];
    }
    const blobs = this.#disks.filter(({ hasBlob }) => hasBlob).map(({ name }) => name);
    await using server = await this.#serveBlobs(blobs);
    await using _ = await this.#forward(server);
    const images = this.#disks.map(({ name }) => imageOf(name));
    if (drills.includes('power-cut')) {
      // Requests without an answer keep the window open until the cut.
      const fault = { kind: 'no-answer', handled: false } as const;
      await Promise.all(blobs.map((blob) => server.setFault({ at: 'request', blob, fault })));
      await this.#bootOnly('cut', images);
      await server.clearFaults();
      if (existsSync(this.#path('share/cut.rc'))) {
        throw new Error('the boot to cut ended by itself');
      }
    }
    await this.#boot('drill', images);
    return JSON.parse(await readFile(this.#path('share/drilled.json'), 'utf8'));
  }

  /** The machine once more, its disks being the snapshots; one that has none is as it was. */
  async #check(images: ReadonlyMap<string, string>): Promise<Checked> {
    const [os = '', ...data] = this.#disks.map(({ name }) => name);
    await this.#freshOsDisk();
    await this.#boot('check', [
      imageOf(os),
      ...data.map((name) => images.get(name) ?? imageOf(name)),
      images.get(os) ?? '',
    ]);
    return JSON.parse(await readFile(this.#path('share/checked.json'), 'utf8'));
  }

  async #bootOnly(stage: Stage, images: readonly string[]): Promise<void> {
    await boot({
      ...{ machine: this.#machine, kernel: this.#made.kernel, stage, images, work: this.#work },
      consolePath: this.#path(`share/${stage}.console`),
    });
  }

  async #boot(stage: Stage, images: readonly string[]): Promise<void> {
    await this.#bootOnly(stage, images);
    const code = this.#path(`share/${stage}.rc`);
    if (!existsSync(code) || (await readFile(code, 'utf8')).trim() !== '0') {
      const log = this.#path(existsSync(code) ? `share/${stage}.log` : `share/${stage}.console`);
      const said = (await readFile(log, 'utf8')).trim().split('\n').slice(-6).join(' | ');
      throw new Error(`the boot to ${stage} failed: ${said}`);
    }
  }

  /** All that both boots left, without the program and without the URLs, which hold signatures. */
  async #keepLogs(folder: string): Promise<void> {
    for (const name of ['payload', 'blobs']) {
      await rm(this.#path(`share/${name}`), { recursive: true, force: true });
    }
    await rm(folder, { recursive: true, force: true });
    await cp(this.#path('share'), folder, { recursive: true });
  }

  #path(name: string): string {
    return join(this.#work, name);
  }
}

type Found = Pick<MachineResult, 'problems' | 'drills' | 'records' | 'windowMs' | 'release'>;

function imageOf(disk: string): string {
  return `${disk}.img`;
}

/** Mount point, type, device, sector size of the loop device if that is an image, options; in the order of mounting. */
function mountLines({ fileSystems }: AnyMachine): string {
  return fileSystems
    .map(({ at, type, device, options, log, realtime, sectorBytes = 512 }) => {
      const own = [
        ...(options === undefined ? [] : [options]),
        ...(log === undefined ? [] : [`logdev=${log}`]),
        ...(realtime === undefined ? [] : [`rtdev=${realtime}`]),
      ];
      return `${at} ${type} ${device} ${sectorBytes} ${own.join(',') || 'defaults'}\n`;
    })
    .join('');
}

function judgeRuns(
  frozen: Frozen,
  machine: AnyMachine,
): { windowMs: number; problems: readonly string[]; isClaimed: boolean } {
  const differences = [
    ...comparePlan(frozen.plan, frozen, machine),
    ...(machine.kind === 'qemu' ? compareDisks(frozen.plan, machine) : []),
  ];
  const { operation } = machine;
  const { windowMs, problems, isClaimed } =
    operation === undefined
      ? { ...judgeSnapshotRun(frozen.snapshot), isClaimed: true }
      : judgeOperation(operation, frozen.snapshot, frozen.seen);
  const freeze = frozen.freeze.code === 0 ? [] : [`freeze: ${described(frozen.freeze)}`];
  return { windowMs, problems: [...differences, ...freeze, ...problems], isClaimed };
}

function described({ code, stderr }: CommandEnd): string {
  return `exit code ${code}: ${stderr.trim().split('\n').slice(-4).join(' | ')}`;
}
