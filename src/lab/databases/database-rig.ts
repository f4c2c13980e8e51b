import { writeFileSync } from 'node:fs';
import type { RunSummary } from '../../report/summary.ts';
import { BlobServer } from '../blob-server/blob-server.ts';
import { type LabDisk, LabDisks } from '../disks.ts';
import { LAB_TLS } from '../lab-paths.ts';
import { programPath } from '../program-path.ts';
import { tryCommand } from '../run-command.ts';
import type { LabDatabase } from './database-server.ts';
import type { Engine, MountPoints } from './engine.ts';
import { makeAccounts, Transfers } from './transfers.ts';

const WORKLOAD = '/lab/workload.conf';

export interface RigOptions {
  readonly latencyMs: { readonly from: number; readonly to: number };
  readonly seed: number;
  /** `none`: snapshots without content, if no test reads them. */
  readonly snapshotContent?: 'none' | 'copy';
}

/**
 * A database on two disks, data and log apart, under a workload of transfers, and the blob server that its
 * disks are snapshotted by. Inside the lab only.
 */
export class DatabaseRig implements AsyncDisposable {
  readonly disks: readonly LabDisk[];
  readonly server: BlobServer;
  readonly database: LabDatabase;
  readonly transfers: Transfers;
  readonly #resources: AsyncDisposableStack;

  private constructor(
    resources: AsyncDisposableStack,
    disks: readonly LabDisk[],
    server: BlobServer,
    database: LabDatabase,
    transfers: Transfers,
  ) {
    this.#resources = resources;
    this.disks = disks;
    this.server = server;
    this.database = database;
    this.transfers = transfers;
  }

  static async create(engine: Engine, options: RigOptions): Promise<DatabaseRig> {
    await using resources = new AsyncDisposableStack();
    const { disks } = resources.use(await LabDisks.create(engine.disks));
    const server = resources.use(await startServer(disks, options));
    const database = resources.use(await engine.create(mountPointsOf(disks)));
    writeFileSync(WORKLOAD, database.workload, { mode: 0o600 });
    await makeAccounts(database, engine);
    const transfers = resources.use(await Transfers.connect(database, engine, options.seed));
    return new DatabaseRig(resources.move(), disks, server, database, transfers);
  }

  /**
   * The real command, in a process of its own. Rejects if it says nothing.
   *
   * @param service the rig's blob server, or a VM with the rig's disks, which the caller has started
   */
  async snapshot(
    options: readonly string[] = [],
    service: 'blobs' | 'managed' = 'blobs',
  ): Promise<RunSummary> {
    const targets = service === 'blobs' ? ['--blobs-from', '-'] : ['--managed'];
    const { code, stdout, stderr } = await tryCommand(
      process.execPath,
      [
        ...[programPath(), 'snapshot', '--json', ...targets, '--strict-match'],
        ...mountPointsOf(this.disks).flatMap((mountPoint) => ['--mount', mountPoint]),
        ...['--workload', WORKLOAD, ...options],
      ],
      service === 'blobs' ? this.server.urls.join('\n') : '',
    );
    if (stdout === '') {
      throw new Error(`flashfreeze ended with ${code}: ${stderr}`);
    }
    return JSON.parse(stdout) as RunSummary;
  }

  async deleteSnapshots(): Promise<void> {
    for (const { deviceName } of this.disks) {
      for (const { snapshot } of await this.server.snapshots(deviceName)) {
        await this.server.deleteSnapshot(deviceName, snapshot);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

async function startServer(
  disks: readonly LabDisk[],
  { latencyMs, seed, snapshotContent = 'copy' }: RigOptions,
): Promise<BlobServer> {
  return await BlobServer.start({
    blobs: disks.map(({ deviceName, imagePath }) => ({ name: deviceName, imagePath })),
    latency: { kind: 'uniform', fromMs: latencyMs.from, toMs: latencyMs.to },
    copyAt: 'random',
    seed,
    ...(snapshotContent === 'none' ? { snapshotContent } : {}),
    certificate: {
      caPath: LAB_TLS.caCertificate,
      certPath: LAB_TLS.certificate,
      keyPath: LAB_TLS.key,
    },
  });
}

function mountPointsOf(disks: readonly LabDisk[]): MountPoints {
  const [data, log] = disks;
  return [data?.mountPoint ?? '', log?.mountPoint ?? ''];
}
