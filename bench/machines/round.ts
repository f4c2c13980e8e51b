import { existsSync } from 'node:fs';
import { copyFile, cp, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BlobServer } from '../../src/lab/blob-server/blob-server.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { makeChains } from '../proof/scenario.ts';
import { comparePlan } from './comparison.ts';
import { judgeOperation } from './judge-operation.ts';
import type { Kernel } from './kernels.ts';
import { dataDiskName, type Machine, OS_DISK, rootFileSystem } from './machine.ts';
import type { Provisions } from './provisions.ts';
import type { MachineResult } from './results.ts';
import { judgeSnapshotRun, snapshotsNamed } from './snapshot-run.ts';
import type { Checked, CommandEnd, Frozen, Order } from './stages.ts';
import { boot, type Stage } from './uml.ts';
import { Forwarder } from './wire.ts';

const CHAINS = 2;
const SEED = 1;
const LATENCY = { kind: 'uniform', fromMs: 20, toMs: 300 } as const;
const NOT_ALL_DISKS = 'there is not a snapshot of every disk: nothing was checked';
const BLOB_HOST = 'lab.blob.core.windows.net';

/** One machine on one kernel. Its folder, work/, is empty before and after. */
export class MachineRound {
  readonly #machine: Machine;
  readonly #kernel: Kernel;
  readonly #provisions: Provisions;
  readonly #work: string;
  readonly #record: boolean;

  constructor(parts: {
    machine: Machine;
    kernel: Kernel;
    provisions: Provisions;
    work: string;
    record: boolean;
  }) {
    this.#machine = parts.machine;
    this.#kernel = parts.kernel;
    this.#provisions = parts.provisions;
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

  get #diskNames(): readonly string[] {
    return [OS_DISK, ...this.#machine.disks.map((_, index) => dataDiskName(index))];
  }

  async #layOut(): Promise<void> {
    for (const folder of ['share', 'snapshots']) {
      await rm(join(this.#work, folder), { recursive: true, force: true });
      await mkdir(join(this.#work, folder));
    }
    await runCommand('cp', [
      '--recursive',
      '--link',
      this.#provisions.payload,
      this.#path('share/payload'),
    ]);
    await this.#freshOsDisk();
    for (const [index, megabytes] of this.#machine.disks.entries()) {
      await using image = await open(this.#path(`${dataDiskName(index)}.img`), 'w');
      await image.truncate(megabytes * 2 ** 20);
    }
    const all = [...this.#machine.fileSystems, rootFileSystem(this.#machine)];
    const order: Order = {
      fileSystems: all,
      chains: makeChains(CHAINS, all.length, SEED),
      record: this.#record,
    };
    await writeFile(this.#path('share/order.json'), JSON.stringify(order));
    await writeFile(this.#path('share/mounts'), mountLines(this.#machine));
  }

  async #freshOsDisk(): Promise<void> {
    const image = this.#path(`${OS_DISK}.img`);
    await rm(image, { force: true });
    await runCommand('cp', ['--sparse=always', this.#provisions.osImage, image]);
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
    return {
      problems: [...problems, ...checked.problems],
      records: checked.records,
      windowMs,
      release,
    };
  }

  /** Images of the snapshots in the order of the disks; undefined if the run names not one of each. */
  async #freeze(): Promise<{ frozen: Frozen; images: readonly string[] | undefined }> {
    const names = this.#diskNames;
    await using server = await BlobServer.start({
      blobs: names.map((name) => ({ name, imagePath: this.#path(`${name}.img`) })),
      latency: LATENCY,
      listeners: 'shared',
      snapshotDirectory: this.#path('snapshots'),
      seed: SEED,
    });
    const port = Number(new URL(server.urls[0] ?? '').port);
    await using _ = await Forwarder.start(port);
    // In another order than that of the disks: which is which must be found out.
    const urls = server.urls.map((url) => url.replace('127.0.0.1', BLOB_HOST)).reverse();
    await writeFile(this.#path('share/blobs'), `${urls.join('\n')}\n`);
    await copyFile(server.caPath, this.#path('share/ca.pem'));
    await this.#boot(
      'freeze',
      names.map((name) => `${name}.img`),
    );
    const frozen: Frozen = JSON.parse(await readFile(this.#path('share/frozen.json'), 'utf8'));
    const named = snapshotsNamed(frozen.snapshot);
    const images: string[] = [];
    for (const name of names) {
      const records = await server.snapshots(name);
      const record = records.find(({ snapshot }) => snapshot === named.get(name));
      if (record?.imagePath === undefined) {
        return { frozen, images: undefined };
      }
      images.push(record.imagePath);
    }
    return { frozen, images };
  }

  /** The machine once more, its disks being the snapshots. */
  async #check(images: readonly string[]): Promise<Checked> {
    const [os = '', ...data] = images.map((path) => path.slice(this.#work.length + 1));
    await this.#freshOsDisk();
    await this.#boot('check', [`${OS_DISK}.img`, ...data, os]);
    return JSON.parse(await readFile(this.#path('share/checked.json'), 'utf8'));
  }

  async #boot(stage: Stage, disks: readonly string[]): Promise<void> {
    const { name: machine } = this.#machine;
    const consolePath = this.#path(`share/${stage}.console`);
    const kernel = this.#provisions.kernels[this.#kernel.name] ?? '';
    await boot({ kernel, machine, stage, disks, consolePath });
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

type Found = Pick<MachineResult, 'problems' | 'records' | 'windowMs' | 'release'>;

/** Mount point, type, device, sector size of the loop device if that is an image, options; in the order of mounting. */
function mountLines({ fileSystems }: Machine): string {
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
  machine: Machine,
): { windowMs: number; problems: readonly string[]; isClaimed: boolean } {
  const differences = comparePlan(frozen.plan, frozen, machine);
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
