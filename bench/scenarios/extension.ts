import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { prepareGuestLab } from '../../src/lab/agent/enter-guest-lab.ts';
import type { GuestProcess } from '../../src/lab/agent/guest-processes.ts';
import type { BlobServer } from '../../src/lab/blob-server/blob-server.ts';
import { LAB_DIRECTORY } from '../../src/lab/lab-paths.ts';
import { startDiskServer } from '../../test/extension/disk-server.ts';
import { preparePayload } from '../../test/extension/payload.ts';
import { Scene } from '../../test/extension/scene.ts';
import { count, diskCount, milliseconds } from '../options.ts';
import { millisecondsOf, overlaps, type Pause } from '../probe/figures.ts';
import { StallProbe } from '../probe/stall-probe.ts';
import { compileProgram } from '../process/native-programs.ts';
import { defineScenario } from '../scenario.ts';
import { summarizeFigures } from '../statistics.ts';
import { type Column, renderTable } from '../table.ts';

interface ExtensionOptions {
  readonly disks: number;
  readonly rounds: number;
  readonly latency: number;
}

/** One task, from the agent's command to the end. ms. */
interface Round {
  /** `enable`, as the agent waits for it. */
  readonly enableMs: number;
  /** From the start of the detached worker to the first FIFREEZE that stops a writer. */
  readonly toFreezeMs: number;
}

const PROBE = join(import.meta.dirname, '../probe/stall-probe.c');
/** USER_HZ is 100 on every architecture that counts. */
const TICK_MS = 10;

export const extension = defineScenario<ExtensionOptions, readonly Round[]>({
  name: 'extension',
  summary: 'The packaged extension in a guest: time of enable, worker start to first FIFREEZE',
  addOptions: (command) => {
    command
      .option('--disks <count>', 'number of disks, the root disk included', diskCount, 8)
      .option('--rounds <count>', 'measured tasks, after one for warm-up', count, 20)
      .option('--latency <ms>', 'of the server, from request to answer', milliseconds, 20);
  },
  prepare: async () => {
    await prepareGuestLab();
    await preparePayload();
  },
  measure: async ({ disks, rounds, latency }, progress) => {
    await using rig = await ExtensionRig.create(disks, latency);
    progress('install and warm-up');
    await rig.runTask();
    const measured: Round[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      progress(`task ${round} of ${rounds}`);
      measured.push(await rig.runTask());
    }
    return measured;
  },
  render: renderExtension,
});

/** A guest whose data disks have a stall probe each, and a blob server for all its disks. */
class ExtensionRig implements AsyncDisposable {
  readonly #resources: AsyncDisposableStack;
  readonly #scene: Scene;
  readonly #server: BlobServer;
  readonly #probe: StallProbe;

  private constructor(resources: AsyncDisposableStack, parts: Parts) {
    this.#resources = resources;
    this.#scene = parts.scene;
    this.#server = parts.server;
    this.#probe = parts.probe;
  }

  static async create(disks: number, latencyMs: number): Promise<ExtensionRig> {
    await using resources = new AsyncDisposableStack();
    const scene = resources.use(
      await Scene.create({ disks: Array.from({ length: disks - 1 }, () => ({ type: 'ext4' })) }),
    );
    const server = resources.use(await startDiskServer(scene, latencyMs));
    const executable = await compileProgram(PROBE, join(LAB_DIRECTORY, 'bench'));
    const files = scene.guest.mountPoints.map((mountPoint) => join(mountPoint, 'stall-probe'));
    const probe = resources.use(
      await StallProbe.start(executable, files, { intervalUs: 500, writes: 'data' }),
    );
    return new ExtensionRig(resources.move(), { scene, server, probe });
  }

  async runTask(): Promise<Round> {
    const scene = this.#scene;
    const task = await scene.task({ blobs: this.#server.urls });
    this.#probe.begin();
    const beganMs = millisecondsOf(process.hrtime.bigint());
    const { commands } = await scene.send(task.settings);
    const enable = commands.at(-1);
    if (enable?.exitCode !== 0) {
      throw new Error(`enable ended with ${enable?.exitCode}: ${enable?.output}`);
    }
    const worker = scene.guest.processes().find(isWorker);
    if (worker === undefined) {
      throw new Error('no worker runs after enable');
    }
    const startMs = startOf(worker);
    await scene.settled();
    const period = await this.#probe.end();
    const frozenMs = await this.#firstFreeze(
      period.probes.map(({ pauses }) => pauses),
      beganMs,
    );
    return { enableMs: enable.tookMs, toFreezeMs: frozenMs - startMs };
  }

  /** Start of the earliest pause that covers an own disk's snapshot. */
  async #firstFreeze(pauses: readonly (readonly Pause[])[], sinceMs: number): Promise<number> {
    const requests = (await this.#server.requests()).filter(
      ({ operation, receivedNs }) =>
        operation === 'snapshot' && millisecondsOf(receivedNs) >= sinceMs,
    );
    const starts = pauses.flatMap((own, index) => {
      const request = requests.find(({ blob }) => blob === `disk${index}`);
      const atMs = millisecondsOf(request?.receivedNs ?? 0n);
      return own
        .filter((pause) => overlaps(pause, { startMs: atMs, endMs: atMs }))
        .map(({ startMs }) => startMs);
    });
    if (starts.length === 0) {
      throw new Error('no writer stood still while the snapshots were taken');
    }
    return Math.min(...starts);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

interface Parts {
  readonly scene: Scene;
  readonly server: BlobServer;
  readonly probe: StallProbe;
}

function isWorker({ commandLine }: GuestProcess): boolean {
  return commandLine.includes('extension') && commandLine.includes('run');
}

/** On CLOCK_MONOTONIC, to the clock tick; proc_pid_stat(5), field 22. */
function startOf({ pid }: GuestProcess): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[19]) * TICK_MS;
}

function renderExtension(rounds: readonly Round[], { disks }: ExtensionOptions): string {
  const rows = [
    { name: 'enable', figures: summarizeFigures(rounds.map(({ enableMs }) => enableMs)) },
    {
      name: 'worker start to first FIFREEZE',
      figures: summarizeFigures(rounds.map(({ toFreezeMs }) => toFreezeMs)),
    },
  ];
  const columns: readonly Column<(typeof rows)[number]>[] = [
    { head: '', value: ({ name }) => name },
    { head: 'runs', value: ({ figures }) => figures.count, decimals: 0 },
    { head: 'median', value: ({ figures }) => figures.median, decimals: 0 },
    { head: 'p90', value: ({ figures }) => figures.p90, decimals: 0 },
    { head: 'max', value: ({ figures }) => figures.max, decimals: 0 },
  ];
  return renderTable(`The packaged extension, ${disks} disks: ms`, columns, rows);
}
