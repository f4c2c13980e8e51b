import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunSummary } from '../../../src/report/summary.ts';
import { BlobServer } from '../../lab/blob-server/blob-server.ts';
import type { LabDatabase } from '../../lab/databases/database-server.ts';
import { askAll, type Engine, type MountPoints } from '../../lab/databases/engine.ts';
import { makeAccounts, Transfers } from '../../lab/databases/transfers.ts';
import { type LabDisk, LabDisks } from '../../lab/disks.ts';
import { LAB_TLS } from '../../lab/lab-paths.ts';
import { tryCommand } from '../../lab/run-command.ts';
import { AttachedImages, MountedSnapshot } from '../../proof/snapshot-mount.ts';
import { type Contents, judgeContents, QUESTIONS } from './judge-database.ts';

const MAIN = join(import.meta.dirname, '../../../src/flashfreeze.js');
const WORKLOAD = '/lab/workload.conf';
const COPIES = '/lab/database-proof';
/** The workload goes on for so long before a snapshot, and a while after it. */
const WRITING_MS = 500;

/** One snapshot, taken and looked into. */
export interface Round {
  /** What is wrong; empty where all is right. */
  readonly faults: readonly string[];
  /** The longest that a writer waited for a transaction meanwhile, and before. */
  readonly stallMs: number;
  readonly usualMs: number;
  readonly windowMs: number;
  readonly heldMs: number | null;
  readonly transactions: number;
}

export interface ProofOptions {
  readonly latencyMs: { readonly from: number; readonly to: number };
  readonly seed: number;
  /** Further options of `flashfreeze snapshot`. */
  readonly options?: readonly string[];
  /** What the result must be called. */
  readonly expected?: RunSummary['consistency'];
}

/** A database on two disks under a workload, of which snapshots are taken and opened. Inside the lab only. */
export class DatabaseProof implements AsyncDisposable {
  readonly #engine: Engine;
  readonly #options: ProofOptions;
  readonly #resources: AsyncDisposableStack;
  readonly #disks: readonly LabDisk[];
  readonly #server: BlobServer;
  readonly #transfers: Transfers;

  private constructor(parts: {
    engine: Engine;
    options: ProofOptions;
    resources: AsyncDisposableStack;
    disks: readonly LabDisk[];
    server: BlobServer;
    transfers: Transfers;
  }) {
    this.#engine = parts.engine;
    this.#options = parts.options;
    this.#resources = parts.resources;
    this.#disks = parts.disks;
    this.#server = parts.server;
    this.#transfers = parts.transfers;
  }

  static async setUp(engine: Engine, options: ProofOptions): Promise<DatabaseProof> {
    await using resources = new AsyncDisposableStack();
    const { disks } = resources.use(await LabDisks.create(engine.disks));
    const { from, to } = options.latencyMs;
    const server = resources.use(
      await BlobServer.start({
        blobs: disks.map(({ deviceName, imagePath }) => ({ name: deviceName, imagePath })),
        latency: { kind: 'uniform', fromMs: from, toMs: to },
        copyAt: 'random',
        seed: options.seed,
        certificate: {
          caPath: LAB_TLS.caCertificate,
          certPath: LAB_TLS.certificate,
          keyPath: LAB_TLS.key,
        },
      }),
    );
    const database = resources.use(await engine.create(mountPointsOf(disks)));
    writeFileSync(WORKLOAD, database.workload, { mode: 0o600 });
    await makeAccounts(database, engine);
    const transfers = resources.use(await Transfers.connect(database, engine, options.seed));
    return new DatabaseProof({
      engine,
      options,
      resources: resources.move(),
      disks,
      server,
      transfers,
    });
  }

  /** Takes and opens one snapshot; nothing of it is left afterwards. */
  async round(): Promise<Round> {
    const beganMs = Date.now();
    await this.#transfers.go(WRITING_MS);
    const takenFromMs = Date.now();
    const summary = await this.#snapshot();
    const takenToMs = Date.now();
    await this.#transfers.go(WRITING_MS / 2);
    await this.#transfers.rest();
    try {
      const { windowMs, application } = summary;
      return {
        faults: await this.#faultsOf(summary),
        stallMs: this.#transfers.longestMs(takenFromMs, takenToMs),
        usualMs: this.#transfers.longestMs(beganMs, takenFromMs - 1),
        windowMs: windowMs.max,
        heldMs: application?.heldMs ?? null,
        transactions: this.#transfers.history.reduce((sum, all) => sum + all.length, 0),
      };
    } finally {
      await this.#deleteSnapshots();
    }
  }

  async #snapshot(): Promise<RunSummary> {
    const { code, stdout, stderr } = await tryCommand(
      process.execPath,
      [
        ...[MAIN, 'snapshot', '--json', '--blobs-from', '-', '--strict-match'],
        ...mountPointsOf(this.#disks).flatMap((mountPoint) => ['--mount', mountPoint]),
        ...['--workload', WORKLOAD, ...(this.#options.options ?? [])],
      ],
      this.#server.urls.join('\n'),
    );
    if (stdout === '') {
      throw new Error(`flashfreeze ended with ${code}: ${stderr}`);
    }
    return JSON.parse(stdout) as RunSummary;
  }

  async #faultsOf(summary: RunSummary): Promise<string[]> {
    const { expected = 'applicationConsistent' } = this.#options;
    if (summary.consistency !== expected || summary.barrier === null) {
      const { consistency, code, problems, warnings } = summary;
      return [`the result is ${consistency}, code ${code}`, ...problems, ...warnings];
    }
    return await this.#look(summary.disks, Date.parse(summary.barrier));
  }

  /** Mounts what was taken, starts a server on it and asks it. */
  async #look(disks: RunSummary['disks'], barrierMs: number): Promise<string[]> {
    await using mounted = new AsyncDisposableStack();
    const mountPoints: string[] = [];
    for (const [index, { type, deviceName }] of this.#disks.entries()) {
      const image = await this.#imageOf(deviceName, disks[index]?.snapshot ?? null);
      const { devices } = mounted.use(await AttachedImages.attach([image], 'recovered'));
      const mount = await MountedSnapshot.mount(type, devices, 'recovered', COPIES);
      mountPoints.push(mounted.use(mount).mountPoint);
    }
    const [data = '', log = ''] = mountPoints;
    const faults: string[] = [];
    {
      await using database = await this.#engine.open([data, log]);
      faults.push(
        ...judgeContents(
          await contentsOf(database, this.#engine),
          this.#transfers.history,
          barrierMs,
        ),
        ...(await this.#engine.checkTables(database)),
      );
    }
    return [...faults, ...(await this.#engine.checkFiles([data, log]))];
  }

  async #imageOf(blob: string, snapshot: string | null): Promise<string> {
    const records = await this.#server.snapshots(blob);
    const image = records.find((record) => record.snapshot === snapshot)?.imagePath;
    if (image === undefined) {
      throw new Error(`${blob} has no snapshot ${snapshot}`);
    }
    return image;
  }

  async #deleteSnapshots(): Promise<void> {
    for (const { deviceName } of this.#disks) {
      for (const { snapshot } of await this.#server.snapshots(deviceName)) {
        await this.#server.deleteSnapshot(deviceName, snapshot);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

function mountPointsOf(disks: readonly LabDisk[]): MountPoints {
  const [data, log] = disks;
  return [data?.mountPoint ?? '', log?.mountPoint ?? ''];
}

async function contentsOf(database: LabDatabase, engine: Engine): Promise<Contents> {
  const use = engine.name === 'mariadb' ? ['USE bank;'] : [];
  const ask = async (question: string): Promise<string[]> => askAll(database, [...use, question]);
  const [sum] = await ask(QUESTIONS.sum);
  const [wrongAccounts] = await ask(QUESTIONS.wrongAccounts);
  const writers = await ask(QUESTIONS.writers);
  return {
    sum: Number(sum),
    wrongAccounts: Number(wrongAccounts),
    writers: writers.map((line) => {
      const [writer = 0, last = 0, count = 0] = line.split(/[\t|]/).map(Number);
      return { writer, last, count };
    }),
  };
}
