import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { readAgentEnvironment } from '../../../src/extension/environment.ts';
import type { Installation } from '../../../src/extension/installation.ts';
import { handleOrder } from '../../../src/extension/polling/handle-order.ts';
import { pollForSnapshots } from '../../../src/extension/polling/poll.ts';
import { LabDisks } from '../../../src/lab/disks.ts';
import { LabHost } from '../../../src/lab/host/lab-host.ts';
import type {
  HostCallName,
  LoggedHostRequest,
  SnapshotOrder,
} from '../../../src/lab/host/model.ts';
import { HeldLog } from '../../../src/log/held-log.ts';
import { Redaction } from '../../../src/log/redaction.ts';

export const INTERVAL_MS = 40;
const LIMIT_MS = 120_000;
let scenes = 0;

/** What the host was told of an order. */
export interface Told {
  readonly snapshotId: string;
  readonly errMsg: string;
  readonly error?: { readonly code: string; readonly message: string };
}

/** As agent-contract.md has it, Events. */
export interface AgentEvent {
  readonly TaskName: string;
  readonly EventLevel: string;
  readonly Message: string;
  readonly OperationId: string;
}

/** Disks, a host at the wire server's address, and the service's loop in this process. Only inside the lab. */
export class PollScene implements AsyncDisposable {
  readonly disks: LabDisks;
  readonly installation: Installation;
  /** What the service logs beside its orders. */
  readonly lines: string[] = [];
  host: LabHost;
  isInstalled = true;
  #abort = new AbortController();
  #loop: Promise<void> | undefined;

  private constructor(disks: LabDisks, host: LabHost, installation: Installation) {
    this.disks = disks;
    this.host = host;
    this.installation = installation;
  }

  static async create(latencyMs = 0): Promise<PollScene> {
    const disks = await LabDisks.create([{ type: 'ext4' }, { type: 'xfs' }]);
    const host = await LabHost.start({ at: 'wire-server', latencyMs, disks: [{ lun: -1 }] });
    return new PollScene(disks, host, await install());
  }

  start(): void {
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    const log = new HeldLog({
      sink: { write: (lines) => this.lines.push(lines) },
      redaction: new Redaction(),
    });
    this.#loop = pollForSnapshots(
      {
        wireProtocolAddress: undefined,
        intervalMs: INTERVAL_MS,
        log,
        follow: (order, client) => handleOrder(this.installation, order, client, signal),
        isWanted: async () => this.isInstalled,
      },
      signal,
    );
  }

  /** Resolves when the loop has ended by itself. */
  async ended(): Promise<void> {
    await this.#loop;
  }

  async stop(): Promise<void> {
    this.#abort.abort({ kind: 'signal', signal: 'SIGTERM' });
    await this.#loop;
  }

  /** The orders' log. */
  async log(): Promise<string> {
    const path = join(this.installation.handler.logFolder, 'extension.log');
    return existsSync(path) ? await readFile(path, 'utf8') : '';
  }

  /** What the agent would collect, a file for each report; as soon as there are so many. */
  async events(files: number): Promise<(readonly AgentEvent[])[]> {
    const folder = join(this.installation.directory, 'events');
    const names = await until(async () => {
      const all = await readdir(folder);
      return all.length >= files ? all.sort() : undefined;
    }, `${files} files of events`);
    const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
    return texts.map((text) => JSON.parse(text) as AgentEvent[]);
  }

  /** As soon as the orders' log has it so many times. */
  async logged(text: string, times = 1): Promise<void> {
    await until(
      async () => (await this.log()).split(text).length > times || undefined,
      `"${text}" in the log`,
    );
  }

  /** Orders a snapshot; resolves to what the host was told of it, when it has been published. */
  async snapshot(
    order: SnapshotOrder,
  ): Promise<{ readonly started: Told; readonly published: Told }> {
    await this.host.order(order);
    const [published, ...others] = await this.told('publish-snapshot', order.snapshotId);
    assert.is(others.length, 0);
    const [started] = await this.told('start-snapshot', order.snapshotId);
    assert.ok(started && published);
    return { started, published };
  }

  /** What the host was told of a snapshot by one of the calls. */
  async told(call: HostCallName, snapshotId: string): Promise<Told[]> {
    return (await this.requests(call, snapshotId)).map(({ body }) => JSON.parse(body) as Told);
  }

  /** The calls about a snapshot, as soon as there is one that has been answered. */
  async requests(call: HostCallName, about = ''): Promise<LoggedHostRequest[]> {
    return await until(async () => {
      const found = (await this.host.requests()).filter(
        (request) => request.call === call && request.body.includes(about),
      );
      return found.some(({ answeredNs }) => answeredNs !== undefined) ? found : undefined;
    }, `${call} ${about}`);
  }

  async restartHost(): Promise<void> {
    await this.host[Symbol.asyncDispose]();
    this.host = await LabHost.start({ at: 'wire-server', disks: [{ lun: -1 }] });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.host[Symbol.asyncDispose]();
    await this.disks[Symbol.asyncDispose]();
  }
}

async function install(): Promise<Installation> {
  scenes += 1;
  const libDirectory = `/lab/waagent${scenes}`;
  const directory = join(libDirectory, 'Lab.Polling-1.0.0.1');
  const folder = (name: string): string => join(directory, name);
  await mkdir(folder('events'), { recursive: true });
  return {
    directory,
    libDirectory,
    version: '1.0.0.1',
    handler: {
      name: 'Lab.Polling',
      logFolder: folder('log'),
      configFolder: folder('config'),
      statusFolder: folder('status'),
      heartbeatFile: undefined,
      eventsFolder: folder('events'),
    },
    agent: readAgentEnvironment({}),
  };
}

/** What `look` finds, as soon as it finds something. */
async function until<Found>(look: () => Promise<Found | undefined>, what: string): Promise<Found> {
  const deadline = Date.now() + LIMIT_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) {
      return found;
    }
    assert.ok(Date.now() < deadline, `no ${what} within ${LIMIT_MS} ms`);
    await sleep(5);
  }
}
