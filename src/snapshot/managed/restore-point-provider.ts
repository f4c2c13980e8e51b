import { FlashfreezeError } from '../../errors.ts';
import { bodyIn } from '../http/body-in.ts';
import { cutAt } from '../http/exchange.ts';
import { patienceEndNs } from '../http/retry.ts';
import { NO_HEAD } from '../matching/blob-head.ts';
import type {
  Preflight,
  RequestFailure,
  Rewarmed,
  SnapshotAnswer,
  SnapshotEvent,
  SnapshotProvider,
} from '../snapshot-types.ts';
import { USUAL_OPERATION_MS } from './disk-answer.ts';
import { diskErrorCode } from './disk-failures.ts';
import { DiskRequest } from './disk-request.ts';
import { type PreparedPoint, pointBody, pointId, pointPath } from './restore-point.ts';
import { answerOfPoint, answersByDisk, type PointInquiry } from './restore-point-answer.ts';
import { collectionFailure, nameFailure, rightsFailure } from './restore-point-checks.ts';
import { RestorePointClient } from './restore-point-client.ts';
import { readPoint } from './restore-point-resource.ts';
import type { TokenKeeper } from './token-keeper.ts';

const PREFLIGHT_MS = 20_000;
/** Twice, if the peer is gone without closing the connection: only the missing answer shows that. */
const REWARM_MS = 2_000;
const INQUIRY_MS = 8_000;

const TARGET = 0;

export interface RestorePointOptions {
  readonly onEvent: (event: SnapshotEvent) => void;
  /** How long the request may hold the writers beyond the usual time. */
  readonly patienceMs: number;
  readonly tokens: TokenKeeper;
  /** By the wall clock: until when the token of the window must live. */
  readonly neededUntilMs: () => number;
}

/**
 * Has Azure make one restore point of the VM. There is one target, which stands for every disk in the point, so everything is
 * frozen before the request leaves, and nothing is thawed before the operation, or the point itself, says `Succeeded`.
 */
export class RestorePointProvider implements SnapshotProvider {
  readonly #point: PreparedPoint;
  readonly #options: RestorePointOptions;
  readonly #client: RestorePointClient;
  /** Attempts of this run that have sent a request. Each has a name of its own. */
  #attempt = 0;
  #request: DiskRequest | undefined;
  #inquiry: PointInquiry = { kind: 'unknown' };
  #timer: NodeJS.Timeout | undefined;
  #disposed = false;

  constructor(point: PreparedPoint, options: RestorePointOptions) {
    this.#point = point;
    this.#options = options;
    this.#client = new RestorePointClient(point.origin, point.proxy, point.clientRequestId);
  }

  /** @throws FlashfreezeError if the point cannot be made, and as the token keeper */
  async preflight(): Promise<readonly Preflight[]> {
    this.#client.authorize(await this.#options.tokens.forNow());
    await this.#demand(async () => {
      const failure =
        (await collectionFailure(this.#client, this.#point, PREFLIGHT_MS)) ??
        (await nameFailure(this.#client, this.#id(), PREFLIGHT_MS));
      return failure ?? (await rightsFailure(this.#client, this.#point, PREFLIGHT_MS));
    });
    return [{ ok: true, target: TARGET, head: NO_HEAD, sizeBytes: undefined }];
  }

  /** @throws as `preflight` */
  async rewarm(): Promise<readonly Rewarmed[]> {
    this.abort();
    this.#request?.release();
    this.#client.holdNames(false);
    clearTimeout(this.#timer);
    // A point of a former attempt shows another instant, and Azure does not change a point.
    this.#attempt += this.#request?.put.started === true ? 1 : 0;
    this.#client.authorize(await this.#options.tokens.until(this.#options.neededUntilMs()));
    await this.#demand(async () => {
      const failure = await nameFailure(this.#client, this.#id(), REWARM_MS);
      return failure?.kind === 'timeout'
        ? await nameFailure(this.#client, this.#id(), REWARM_MS)
        : failure;
    });
    this.#request = this.#prepareRequest();
    return [{ ok: true, target: TARGET, warm: this.#client.connection.isUp }];
  }

  fire(targets: readonly number[], deadlineNs: bigint): void {
    const request = this.#request;
    if (!targets.includes(TARGET) || request === undefined || request.started) {
      return;
    }
    const nowNs = process.hrtime.bigint();
    const { patienceMs } = this.#options;
    const untilNs = patienceEndNs(nowNs, patienceMs, deadlineNs, USUAL_OPERATION_MS);
    this.#client.holdNames(true);
    this.#timer = cutAt(untilNs, [request]);
    request.start(untilNs);
  }

  abort(): void {
    if (this.#request?.started === true) {
      this.#request.cut('aborted');
    }
  }

  async answers(): Promise<readonly SnapshotAnswer[]> {
    this.#inquiry = { kind: 'unknown' };
    const request = this.#request ?? this.#prepareRequest();
    const whole = await request.answer();
    clearTimeout(this.#timer);
    return answersByDisk(whole, this.#inquiry, this.#point.disks);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    clearTimeout(this.#timer);
    this.abort();
    this.#client.close();
  }

  #id(): string {
    return pointId(this.#point, this.#attempt);
  }

  #prepareRequest(): DiskRequest {
    const client = this.#client;
    const id = this.#id();
    return new DiskRequest({
      target: TARGET,
      origin: client.origin,
      connection: client.connection,
      openAnother: () => client.connect(),
      listener: {
        ended: (target, succeeded, atNs) =>
          this.#emit({ kind: succeeded ? 'acknowledged' : 'failed', target, atNs }),
      },
      put: client.request('PUT', pointPath(id), pointBody(this.#point)),
      get: client.request('GET', pointPath(id)),
      pollRequest: (path) => client.request('GET', path),
      pollMs: this.#point.pollMs,
      inquire: (request) => this.#inquire(request, id),
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

  async #inquire(request: DiskRequest, id: string): Promise<SnapshotAnswer> {
    await bodyIn(request.put);
    const requestedMs = this.#client.serverTimeOf(request.put.firedNs);
    if (request.mayHaveSnapshot) {
      request.release();
      this.#inquiry = await this.#read(id);
    }
    const { origin } = this.#client;
    return answerOfPoint(request, this.#inquiry, { origin, point: id, requestedMs });
  }

  async #read(id: string): Promise<PointInquiry> {
    const end = await this.#client.ask(this.#client.request('GET', pointPath(id)), INQUIRY_MS);
    if (end?.kind !== 'succeeded') {
      return { kind: 'unknown' };
    }
    const point = readPoint(end.answer.body);
    if (end.answer.httpStatus === 404) {
      return { kind: 'absent' };
    }
    return point === undefined ? { kind: 'unknown' } : { kind: 'found', point };
  }

  /** Once more with a new token if the resource manager refused this one. */
  async #demand(check: () => Promise<RequestFailure | undefined>): Promise<void> {
    let failure = await check();
    if (failure?.httpStatus === 401) {
      this.#client.authorize(await this.#options.tokens.renewed());
      failure = await check();
    }
    if (failure !== undefined) {
      throw new FlashfreezeError(
        diskErrorCode(failure),
        `the restore point ${this.#id()} cannot be made; nothing was frozen.\n  ${failure.message}`,
      );
    }
  }
}
