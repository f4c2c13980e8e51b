import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { isInsideLab } from '../namespace.ts';
import { runCommand, tryCommand } from '../run-command.ts';
import type {
  HostControlCalls,
  HostControlName,
  HostControlReply,
  HostFaultRule,
  HostSnapshotRecord,
  LabHostOptions,
  LoggedHostRequest,
  SnapshotOrder,
} from './model.ts';

export const WIRE_SERVER_ADDRESS = '168.63.129.16';

/**
 * A host as a guest sees it (host-api.md): a real HTTP server in a process of its own, with latency,
 * faults and a log. Ends with the process that started it.
 */
export class LabHost implements AsyncDisposable {
  /** For AZURE_GUEST_AGENT_WIRE_PROTOCOL_ADDRESS: with the port, where it is not HTTP's own. */
  readonly address: string;
  readonly #link: HostLink;

  private constructor(link: HostLink, address: string) {
    this.#link = link;
    this.address = address;
  }

  static async start(options: LabHostOptions = {}): Promise<LabHost> {
    if (options.at === 'wire-server') {
      await takeWireServerAddress();
    }
    const link = new HostLink();
    try {
      return new LabHost(link, await link.call('start', options));
    } catch (error) {
      await link[Symbol.asyncDispose]();
      throw error;
    }
  }

  get pid(): number | undefined {
    return this.#link.pid;
  }

  setFault(rule: HostFaultRule): Promise<undefined> {
    return this.#link.call('setFault', rule);
  }

  clearFaults(): Promise<undefined> {
    return this.#link.call('clearFaults', undefined);
  }

  /** From now on a machine that asks is told to take this snapshot, until it has published it. */
  order(order: SnapshotOrder): Promise<undefined> {
    return this.#link.call('order', order);
  }

  /** Every request since the start, in order of arrival. */
  requests(): Promise<readonly LoggedHostRequest[]> {
    return this.#link.call('requests', undefined);
  }

  snapshots(): Promise<readonly HostSnapshotRecord[]> {
    return this.#link.call('snapshots', undefined);
  }

  /** Nothing listens any more, and every connection is cut; the log can still be asked for. */
  stop(): Promise<undefined> {
    return this.#link.call('stop', undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#link[Symbol.asyncDispose]();
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

/** The parent's end of the IPC channel. */
class HostLink implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, PromiseWithResolvers<unknown>>();
  #count = 0;

  constructor() {
    this.#child = fork(join(import.meta.dirname, 'process.ts'), [], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: [],
    });
    this.#child.on('message', (reply: HostControlReply) => this.#settle(reply));
    this.#child.on('exit', () => {
      for (const pending of this.#pending.values()) {
        pending.reject(new Error('the lab host process has ended'));
      }
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  async call<Name extends HostControlName>(
    call: Name,
    argument: HostControlCalls[Name]['argument'],
  ): Promise<HostControlCalls[Name]['result']> {
    const pending = Promise.withResolvers<unknown>();
    this.#count += 1;
    this.#pending.set(this.#count, pending);
    this.#child.send({ id: this.#count, call, argument });
    return (await pending.promise) as HostControlCalls[Name]['result'];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, 'exit');
      if (this.#child.connected) {
        this.#child.disconnect();
      }
      await exited;
    }
  }

  #settle(reply: HostControlReply): void {
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if (reply.ok) {
      pending?.resolve(reply.result);
    } else {
      pending?.reject(new Error(`lab host: ${reply.message}`));
    }
  }
}
