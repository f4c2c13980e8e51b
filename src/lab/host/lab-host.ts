import { join } from 'node:path';
import { isInsideLab } from '../namespace.ts';
import { runCommand, tryCommand } from '../run-command.ts';
import { ServiceProcess } from '../service-process.ts';
import type {
  HostControlCalls,
  HostFaultRule,
  HostSnapshotRecord,
  LabHostOptions,
  LoggedHostRequest,
  SnapshotOrder,
} from './model.ts';

export const WIRE_SERVER_ADDRESS = '168.63.129.16';

type HostProcess = ServiceProcess<HostControlCalls>;

/**
 * A host as a guest sees it (host-api.md): a real HTTP server in a process of its own, with latency,
 * faults and a log. Ends with the process that started it.
 */
export class LabHost implements AsyncDisposable {
  /** For AZURE_GUEST_AGENT_WIRE_PROTOCOL_ADDRESS: with the port, where it is not HTTP's own. */
  readonly address: string;
  readonly #process: HostProcess;

  private constructor(host: HostProcess, address: string) {
    this.#process = host;
    this.address = address;
  }

  static async start(options: LabHostOptions = {}): Promise<LabHost> {
    if (options.at === 'wire-server') {
      await takeWireServerAddress();
    }
    const host: HostProcess = new ServiceProcess(
      'lab host',
      join(import.meta.dirname, 'process.ts'),
    );
    try {
      return new LabHost(host, await host.call('start', options));
    } catch (error) {
      await host[Symbol.asyncDispose]();
      throw error;
    }
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  setFault(rule: HostFaultRule): Promise<undefined> {
    return this.#process.call('setFault', rule);
  }

  clearFaults(): Promise<undefined> {
    return this.#process.call('clearFaults', undefined);
  }

  /** From now on a machine that asks is told to take this snapshot, until it has published it. */
  order(order: SnapshotOrder): Promise<undefined> {
    return this.#process.call('order', order);
  }

  /** Every request since the start, in order of arrival. */
  requests(): Promise<readonly LoggedHostRequest[]> {
    return this.#process.call('requests', undefined);
  }

  snapshots(): Promise<readonly HostSnapshotRecord[]> {
    return this.#process.call('snapshots', undefined);
  }

  /** Nothing listens any more, and every connection is cut; the log can still be asked for. */
  stop(): Promise<undefined> {
    return this.#process.call('stop', undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}

/** The lab's network is its own; on the machine itself that address belongs to the cloud. */
async function takeWireServerAddress(): Promise<void> {
  if (!isInsideLab()) {
    throw new Error('the wire server’s address can be taken in the lab only');
  }
  const { stdout } = await tryCommand('ip', ['-4', 'address', 'show', 'dev', 'lo']);
  if (!stdout.includes(`inet ${WIRE_SERVER_ADDRESS}/`)) {
    await runCommand('ip', ['address', 'add', `${WIRE_SERVER_ADDRESS}/32`, 'dev', 'lo']);
  }
}
