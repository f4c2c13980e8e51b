import { nanoseconds } from '../../system/stamps.ts';
import { cutAt, type Exchange } from '../http/exchange.ts';
import type { ExchangeEnd } from '../http/exchange-end.ts';
import { failureWithoutAnswer } from '../http/failures.ts';
import { NO_HEAD } from '../matching/blob-head.ts';
import type {
  Preflight,
  RequestFailure,
  Rewarmed,
  SnapshotAnswer,
  SnapshotEvent,
  SnapshotProvider,
} from '../snapshot-types.ts';
import type { HostCall, HostDiskAnswer } from './host-call.ts';
import { HOST_TIMEOUT_MS, type HostClient, hostGet } from './host-client.ts';
import { bodyText, EMPTY_SUCCESS, hostStatusCode, UNEXPECTED_FAILURE } from './status-code.ts';

/**
 * Requests the versions of the wire server's protocol, which it returns at once and to every guest. Sent
 * right before the freeze, it proves the connection and runs the whole code path of a call once.
 */
const GREETING = hostGet('/?comp=versions');
const GREETING_TIMEOUT_MS = 2_000;
const CONNECT_TIMEOUT_MS = 2_000;
/** Short, because right before the freeze everything else is ready and waits. */
const REWARM_TIMEOUT_MS = 300;
/** Enough to recover from a connection that was closed meanwhile. */
const GREETING_TRIES = 2;

const TARGET = 0;

export interface HostProviderOptions {
  readonly onEvent: (event: SnapshotEvent) => void;
  /** Time-out of the call; default: 40 s. */
  readonly timeoutMs?: number;
}

/**
 * Has the host snapshot all disks with one call. There is one target, which stands for every disk, so
 * everything is frozen before the call leaves and nothing is thawed before its answer is in. The answer is
 * split by disks after the thaw. Does not close the client.
 */
export class HostProvider implements SnapshotProvider {
  readonly #client: HostClient;
  readonly #call: HostCall;
  readonly #options: HostProviderOptions;
  #exchange: Exchange;
  #timer: NodeJS.Timeout | undefined;
  /** False if the host does not answer the greeting: then it is not sent again. */
  #greets = true;
  #disposed = false;

  constructor(client: HostClient, call: HostCall, options: HostProviderOptions) {
    this.#client = client;
    this.#call = call;
    this.#options = options;
    this.#exchange = this.#beginRound();
  }

  /** Fails if nothing accepts a connection. If the host accepts but does not answer, the call itself will show it. */
  async preflight(): Promise<readonly Preflight[]> {
    const failure = await this.#connected(GREETING_TIMEOUT_MS);
    return [
      failure === undefined
        ? { ok: true, target: TARGET, head: NO_HEAD, sizeBytes: undefined }
        : { ok: false, target: TARGET, failure },
    ];
  }

  async rewarm(): Promise<readonly Rewarmed[]> {
    this.abort();
    const failure = await this.#connected(REWARM_TIMEOUT_MS);
    this.#exchange = this.#beginRound();
    return [
      failure === undefined
        ? { ok: true, target: TARGET, warm: this.#client.isConnected }
        : { ok: false, target: TARGET, failure },
    ];
  }

  fire(targets: readonly number[], deadlineNs: bigint): void {
    if (!targets.includes(TARGET) || this.#exchange.started) {
      return;
    }
    const ownNs = process.hrtime.bigint() + nanoseconds(this.#options.timeoutMs ?? HOST_TIMEOUT_MS);
    const untilNs = ownNs < deadlineNs ? ownNs : deadlineNs;
    this.#timer = cutAt(untilNs, [this.#exchange]);
    this.#exchange.start(untilNs);
  }

  abort(): void {
    if (this.#exchange.started) {
      this.#exchange.cut('aborted');
    }
  }

  async answers(): Promise<readonly SnapshotAnswer[]> {
    const exchange = this.#exchange;
    if (!exchange.started) {
      return [notFired(this.#client.origin)];
    }
    const end = await this.#client.endOf(exchange);
    clearTimeout(this.#timer);
    return this.#call
      .readAnswer(hostStatusCode(end), bodyText(end))
      .map((disk) => this.#answerOf(disk, exchange, end));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    clearTimeout(this.#timer);
    this.abort();
  }

  #beginRound(): Exchange {
    clearTimeout(this.#timer);
    const { request, succeeds } = this.#call;
    return this.#client.exchange(request, {
      succeeds,
      listener: {
        ended: (target, succeeded, atNs) =>
          this.#emit({ kind: succeeded ? 'acknowledged' : 'failed', target, atNs }),
      },
    });
  }

  /** Asynchronous, because the schedule does not expect an event inside its own call. */
  #emit(event: SnapshotEvent): void {
    queueMicrotask(() => {
      if (!this.#disposed) {
        this.#options.onEvent(event);
      }
    });
  }

  /**
   * Leaves an open connection if that is possible, so that the call does not have to connect while anything is
   * frozen. After an unanswered greeting, or with a host that closes after every answer, this connects again.
   */
  async #connected(greetingTimeoutMs: number): Promise<RequestFailure | undefined> {
    const failure = this.#greets ? await this.#greet(greetingTimeoutMs) : undefined;
    if (failure !== undefined) {
      return failure;
    }
    const end = await this.#client.connect(CONNECT_TIMEOUT_MS);
    return end === undefined ? undefined : hostFailure(this.#client.origin, end);
  }

  async #greet(timeoutMs: number): Promise<RequestFailure | undefined> {
    const end = await this.#client.call(GREETING, {
      timeoutMs,
      succeeds: () => true,
      maxTries: GREETING_TRIES,
    });
    this.#greets = end.kind === 'succeeded';
    const isGone =
      end.kind === 'broken' && (end.failure === 'connect' || end.failure === 'refused');
    return isGone ? hostFailure(this.#client.origin, end) : undefined;
  }

  #answerOf(disk: HostDiskAnswer, exchange: Exchange, end: ExchangeEnd): SnapshotAnswer {
    const { statusCode, uri, lun, directDrive } = disk;
    const succeeded = end.kind === 'succeeded';
    return {
      target: TARGET,
      attempts: exchange.attempts,
      firedNs: exchange.firedNs,
      acknowledgedNs: succeeded ? exchange.endedNs : undefined,
      httpStatus: 'answer' in end ? end.answer.httpStatus : undefined,
      snapshot: disk.ok ? disk.snapshot : undefined,
      requestId: undefined,
      failure: disk.ok ? undefined : failureOf(disk, this.#client.origin, end),
      // If a success does not name a snapshot, there may be one.
      mayHaveOrphan: exchange.mayHaveOrphan || (!disk.ok && isUntold(statusCode)),
      host: { statusCode, uri, lun, directDrive },
    };
  }
}

function isUntold(statusCode: number): boolean {
  return statusCode === EMPTY_SUCCESS || statusCode === UNEXPECTED_FAILURE;
}

function failureOf(
  disk: HostDiskAnswer & { ok: false },
  origin: string,
  end: ExchangeEnd,
): RequestFailure {
  if (end.kind === 'broken' || end.kind === 'cut') {
    return hostFailure(origin, end);
  }
  return {
    kind: 'http',
    message: disk.message,
    httpStatus: disk.httpStatus ?? end.answer.httpStatus,
    serviceCode: disk.serviceCode,
    requestId: undefined,
  };
}

function hostFailure(
  origin: string,
  end: Extract<ExchangeEnd, { kind: 'broken' | 'cut' }>,
): RequestFailure {
  const failure =
    end.kind === 'cut'
      ? failureWithoutAnswer(end.reason, origin)
      : failureWithoutAnswer(end.failure, origin, end.code);
  return { ...failure, message: `the host service at ${failure.message}` };
}

function notFired(origin: string): SnapshotAnswer {
  const failure = failureWithoutAnswer('aborted', origin);
  return {
    target: TARGET,
    attempts: 0,
    firedNs: undefined,
    acknowledgedNs: undefined,
    httpStatus: undefined,
    snapshot: undefined,
    requestId: undefined,
    failure: { ...failure, message: 'no request was sent to the host service' },
    mayHaveOrphan: false,
  };
}
