import { setTimeout as sleep } from 'node:timers/promises';
import type { HeldLog } from '../../log/held-log.ts';
import { HostClient } from '../../snapshot/host/host-client.ts';
import {
  bodyText,
  describeHostStatusCode,
  hostStatusCode,
} from '../../snapshot/host/status-code.ts';
import { waitMs } from './back-off.ts';
import { CHECK_REQUEST, type OrderAnswer, readOrder, type SnapshotOrder } from './orders.ts';

/** One retry, in case the host has closed the connection since the last request. */
const CHECK_TRIES = 2;

export interface PollOptions {
  readonly wireProtocolAddress: string | undefined;
  readonly intervalMs: number;
  readonly log: HeldLog;
  /** Carries an order out; false if the result could not be reported to the host. */
  readonly follow: (order: SnapshotOrder, client: HostClient) => Promise<boolean>;
  /** Called before the host is asked; false ends the service. */
  readonly isWanted: () => Promise<boolean>;
}

/**
 * The polling service (host-api.md): asks the host at each interval whether it wants a snapshot, and
 * takes those that it wants, one at a time. No answer of the host ends the service. Resolves when
 * it is aborted or no longer wanted; never rejects.
 */
export async function pollForSnapshots(options: PollOptions, abort: AbortSignal): Promise<void> {
  const poller = new Poller(options, abort);
  await poller.run();
}

class Poller {
  readonly #options: PollOptions;
  readonly #abort: AbortSignal;
  /** Whether the last round failed. */
  #hasFailed = false;

  constructor(options: PollOptions, abort: AbortSignal) {
    this.#options = options;
    this.#abort = abort;
  }

  async run(): Promise<void> {
    while (!this.#abort.aborted && (await this.#options.isWanted())) {
      this.#hasFailed = !(await this.#round());
      const ms = waitMs(this.#options.intervalMs, this.#hasFailed, Math.random());
      await sleep(ms, undefined, { signal: this.#abort }).catch(() => {});
    }
  }

  /**
   * Each round opens its own connection: a shared one would be idle for minutes between two rounds, and
   * the machine may have moved to another host by then.
   *
   * @returns whether the host answered as it should
   */
  async #round(): Promise<boolean> {
    const { log, wireProtocolAddress, follow } = this.#options;
    await using client = HostClient.open(wireProtocolAddress);
    try {
      const answer = await this.#ask(client);
      switch (answer.kind) {
        case 'nothing':
          return true;
        case 'order':
          return await follow(answer.order, client);
        case 'failed':
          this.#tellFailure(answer.statusCode);
          return false;
      }
    } catch (error) {
      if (error !== this.#abort.reason) {
        log.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
      }
      return false;
    }
  }

  /** Rejects when aborted: an order that arrives then is left to the next service process. */
  async #ask(client: HostClient): Promise<OrderAnswer> {
    const end = await client.call(CHECK_REQUEST, { abort: this.#abort, maxTries: CHECK_TRIES });
    return readOrder(hostStatusCode(end), bodyText(end));
  }

  /** Logs only the first of several failures in a row: a host that is down stays down for a while. */
  #tellFailure(statusCode: number): void {
    if (!this.#hasFailed) {
      this.#options.log.warning(
        `the poll for a snapshot failed: the host service ${describeHostStatusCode(statusCode)}; flashfreeze will retry`,
      );
    }
  }
}
