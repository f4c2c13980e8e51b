import { AttachedImages, MountedSnapshot } from '../../../bench/proof/snapshot-mount.ts';
import { DatabaseRig, type RigOptions } from '../../../src/lab/databases/database-rig.ts';
import type { LabDatabase } from '../../../src/lab/databases/database-server.ts';
import { askAll, type Engine } from '../../../src/lab/databases/engine.ts';
import type { RunSummary } from '../../../src/report/summary.ts';
import { type Contents, judgeContents, QUESTIONS } from './judge-database.ts';

const COPIES = '/lab/database-proof';
/** The workload goes on for so long before a snapshot, and a while after it. */
const WRITING_MS = 500;

/** One snapshot, taken and looked into. */
export interface Round {
  /** What is wrong; empty if all is right. */
  readonly faults: readonly string[];
  /** The longest that a writer waited for a transaction meanwhile, and before. */
  readonly stallMs: number;
  readonly usualMs: number;
  readonly windowMs: number;
  readonly heldMs: number | null;
  readonly transactions: number;
}

export interface ProofOptions extends RigOptions {
  /** Further options of `flashfreeze snapshot`. */
  readonly options?: readonly string[];
  /** What the result must be called. */
  readonly expected?: RunSummary['consistency'];
}

/** A database under a workload, of which snapshots are taken and opened. Inside the lab only. */
export class DatabaseProof implements AsyncDisposable {
  readonly #engine: Engine;
  readonly #options: ProofOptions;
  readonly #rig: DatabaseRig;

  private constructor(engine: Engine, options: ProofOptions, rig: DatabaseRig) {
    this.#engine = engine;
    this.#options = options;
    this.#rig = rig;
  }

  static async setUp(engine: Engine, options: ProofOptions): Promise<DatabaseProof> {
    return new DatabaseProof(engine, options, await DatabaseRig.create(engine, options));
  }

  /** Takes and opens one snapshot; nothing of it is left afterwards. */
  async round(): Promise<Round> {
    const beganMs = Date.now();
    await this.#rig.transfers.go(WRITING_MS);
    const takenFromMs = Date.now();
    const summary = await this.#rig.snapshot(this.#options.options);
    const takenToMs = Date.now();
    await this.#rig.transfers.go(WRITING_MS / 2);
    await this.#rig.transfers.rest();
    try {
      const { windowMs, application } = summary;
      return {
        faults: await this.#faultsOf(summary),
        stallMs: this.#rig.transfers.longestMs(takenFromMs, takenToMs),
        usualMs: this.#rig.transfers.longestMs(beganMs, takenFromMs - 1),
        windowMs: windowMs.max,
        heldMs: application?.heldMs ?? null,
        transactions: this.#rig.transfers.history.reduce((sum, all) => sum + all.length, 0),
      };
    } finally {
      await this.#rig.deleteSnapshots();
    }
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
    for (const [index, { type, deviceName }] of this.#rig.disks.entries()) {
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
          this.#rig.transfers.history,
          barrierMs,
        ),
        ...(await this.#engine.checkTables(database)),
      );
    }
    return [...faults, ...(await this.#engine.checkFiles([data, log]))];
  }

  async #imageOf(blob: string, snapshot: string | null): Promise<string> {
    const records = await this.#rig.server.snapshots(blob);
    const image = records.find((record) => record.snapshot === snapshot)?.imagePath;
    if (image === undefined) {
      throw new Error(`${blob} has no snapshot ${snapshot}`);
    }
    return image;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#rig[Symbol.asyncDispose]();
  }
}

/** What a server answers of the workload's tables. */
export async function contentsOf(database: LabDatabase, engine: Engine): Promise<Contents> {
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
