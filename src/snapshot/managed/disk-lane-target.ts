import type { NamedValue } from '../../restore-points/membership.ts';
import { deadlineIn } from '../../system/stamps.ts';
import type { LaneLimits } from '../blob/lane-messages.ts';
import type { LaneRequest, LaneTarget } from '../blob/lane-types.ts';
import { againIfSilent } from '../http/again-if-silent.ts';
import { headerText, type RawAnswer } from '../http/attempt.ts';
import { bodyIn } from '../http/body-in.ts';
import { type ConnectionOptions, HttpConnection } from '../http/connection.ts';
import { cutAt, Exchange, type ExchangeListener, IGNORE_EVENTS } from '../http/exchange.ts';
import type { ExchangeEnd } from '../http/exchange-end.ts';
import type { PreparedRequest } from '../http/request.ts';
import { NO_HEAD } from '../matching/blob-head.ts';
import type { Preflight, RequestFailure, Rewarmed, SnapshotAnswer } from '../snapshot-types.ts';
import { type ArmId, armPath } from './arm-id.ts';
import { answerOfDisk, type Inquiry } from './disk-answer.ts';
import {
  failureOfDisk,
  failureOfEnd,
  isOfManager,
  type Purpose,
  withoutAnswer,
} from './disk-failures.ts';
import { DiskRequest } from './disk-request.ts';
import { readDiskResource, readSnapshotResource } from './disk-resource.ts';
import {
  ArmRequests,
  type DiskFacts,
  groupId,
  type PreparedDisk,
  snapshotBody,
  snapshotId,
} from './prepared-disk.ts';
import { type RatesLeft, ratesIn } from './rate-limits.ts';
import {
  DISK_ACTIONS,
  failureOfLock,
  failureOfRights,
  GROUP_ACTIONS,
  missingActions,
  RIGHTS_PATHS,
  readOnlyLock,
} from './rights.ts';
import { serviceErrorIn } from './service-error.ts';

/** Tries outside the window: enough to recover from a connection that was closed meanwhile. */
const CHECK_TRIES = 3;
/** For the question about a snapshot after the thaw. */
export const INQUIRY_MS = 8_000;

/** A managed disk: its connection to the resource manager, and the requests about it. */
export class DiskLaneTarget implements LaneTarget {
  readonly target: number;
  readonly #disk: PreparedDisk;
  readonly #options: ConnectionOptions;
  readonly #connection: HttpConnection;
  #requests: ArmRequests;
  #facts: DiskFacts;
  #moreTags: readonly NamedValue[] = [];
  /** Attempts of this run that have sent a request. Each has a name of its own. */
  #attempt = 0;
  #current: DiskRequest | undefined;
  /** The clock of the service at a time of this machine's. */
  #serverClock: { readonly serverMs: number; readonly atNs: bigint } | undefined;
  #rates: RatesLeft = {};

  constructor(disk: PreparedDisk, options: ConnectionOptions) {
    this.target = disk.target;
    this.#disk = disk;
    this.#options = { ...options, proxy: disk.proxy };
    this.#connection = this.#connect();
    this.#requests = new ArmRequests('', disk.clientRequestId);
    this.#facts = { location: disk.location, edgeZone: undefined };
  }

  authorize(authorization: string): void {
    this.#requests = new ArmRequests(authorization, this.#disk.clientRequestId);
  }

  describe(tags: readonly NamedValue[]): void {
    this.#moreTags = tags;
  }

  /**
   * Reads the disk. For the first disk of a run it also proves that snapshots may be read and that nothing visible forbids
   * writing them; re-warming asks for the name of every snapshot.
   */
  async preflight({ preflightTimeoutMs }: LaneLimits): Promise<Preflight> {
    const { target, disk } = this.#disk;
    const deadlineNs = deadlineIn(preflightTimeoutMs);
    const purpose = this.#purpose('disks/read', disk.text);
    const end = await this.#ask(this.#requests.get(disk), deadlineNs, IGNORE_EVENTS);
    const failure = this.#failureUnless(end, [200], purpose);
    if (failure !== undefined || end?.kind !== 'succeeded') {
      return { ok: false, target, failure: failure ?? this.#strange() };
    }
    const resource = readDiskResource(end.answer.body, this.#disk);
    if (resource === undefined) {
      return { ok: false, target, failure: this.#strange() };
    }
    if (resource.problem !== undefined) {
      return { ok: false, target, failure: failureOfDisk(resource.problem) };
    }
    this.#facts = resource;
    const forbidden = this.#disk.checksRights ? await this.#rightsFailure(deadlineNs) : undefined;
    return forbidden === undefined
      ? { ok: true, target, head: NO_HEAD, sizeBytes: resource.sizeBytes }
      : { ok: false, target, failure: forbidden };
  }

  /** The rights and locks themselves may be hidden from the identity: then only the request for the snapshot shows them. */
  async #rightsFailure(deadlineNs: bigint): Promise<RequestFailure | undefined> {
    const failure = await this.#nameFailure(deadlineNs, IGNORE_EVENTS);
    if (failure !== undefined) {
      return failure;
    }
    const group = groupId(this.#disk);
    for (const [scope, actions] of [
      [this.#disk.disk.text, DISK_ACTIONS],
      [group, GROUP_ACTIONS],
    ] as const) {
      const body = await this.#look(scope, RIGHTS_PATHS.permissions, deadlineNs);
      const missing = missingActions(body, actions);
      if (missing.length > 0) {
        return failureOfRights(missing, scope);
      }
    }
    const lock = readOnlyLock(await this.#look(group, RIGHTS_PATHS.locks, deadlineNs), group);
    return lock === undefined ? undefined : failureOfLock(lock);
  }

  /** The body of an answer of 200; empty for any other. */
  async #look(scope: string, path: string, deadlineNs: bigint): Promise<readonly Uint8Array[]> {
    const request = this.#requests.getPath(`${armPath({ text: scope })}${path}`);
    const end = await this.#ask(request, deadlineNs, IGNORE_EVENTS);
    return end?.kind === 'succeeded' && end.answer.httpStatus === 200 ? end.answer.body : [];
  }

  async rewarm({ rewarmTimeoutMs }: LaneLimits, listener: ExchangeListener): Promise<Rewarmed> {
    const { target } = this.#disk;
    this.#beginAttempt();
    const failure = await this.#nameFailure(deadlineIn(rewarmTimeoutMs), listener);
    return failure === undefined
      ? { ok: true, target, warm: this.#connection.isUp, rates: this.#rates }
      : { ok: false, target, failure };
  }

  snapshotRequest(listener: ExchangeListener): LaneRequest {
    this.#beginAttempt();
    const requests = this.#requests;
    const snapshot = this.#snapshot();
    const tags = { ...this.#disk.tags, ...Object.fromEntries(this.#moreTags) };
    this.#current = new DiskRequest({
      target: this.target,
      origin: this.#disk.origin,
      connection: this.#connection,
      openAnother: () => this.#connect(),
      listener,
      put: requests.put(snapshot, snapshotBody({ ...this.#disk, tags }, this.#facts)),
      get: requests.get(snapshot),
      pollRequest: (path) => requests.getPath(path),
      pollMs: this.#disk.pollMs,
      inquire: (request) => this.#inquire(request, snapshot),
    });
    return this.#current;
  }

  /** A snapshot of a former attempt shows another instant: a repeated request for its name would only get that one. */
  #beginAttempt(): void {
    const put = this.#current?.put;
    if (put?.started === true) {
      this.#attempt += 1;
    }
    if (put?.end !== undefined && 'answer' in put.end) {
      this.#note(put.end.answer);
    }
    this.#current = undefined;
  }

  #snapshot(): ArmId {
    return snapshotId(this.#disk, this.#attempt);
  }

  async #inquire(request: DiskRequest, snapshot: ArmId): Promise<SnapshotAnswer> {
    const { origin, disk } = this.#disk;
    // The body of a refusal has its code.
    await bodyIn(request.put);
    return answerOfDisk(request, await this.#read(request, snapshot), {
      target: this.target,
      origin,
      purpose: this.#purpose('snapshots/write', snapshot.text),
      snapshot: snapshot.text,
      disk: disk.text,
      requestedMs: this.#serverTimeOf(request.put.firedNs),
    });
  }

  async #read(request: DiskRequest, snapshot: ArmId): Promise<Inquiry> {
    if (!request.mayHaveSnapshot) {
      return { kind: 'unknown' };
    }
    request.release();
    const deadlineNs = deadlineIn(INQUIRY_MS);
    const end = await this.#ask(this.#requests.get(snapshot), deadlineNs, IGNORE_EVENTS);
    if (end?.kind === 'succeeded' && end.answer.httpStatus === 200) {
      const found = readSnapshotResource(end.answer.body);
      return found === undefined ? { kind: 'unknown' } : { kind: 'found', snapshot: found };
    }
    return end?.kind === 'succeeded' && end.answer.httpStatus === 404
      ? { kind: 'absent' }
      : { kind: 'unknown' };
  }

  /** Why the coming snapshot cannot have its name; asking proves the connection, the token and the right to read. */
  async #nameFailure(
    deadlineNs: bigint,
    listener: ExchangeListener,
  ): Promise<RequestFailure | undefined> {
    const snapshot = this.#snapshot();
    const purpose = this.#purpose('snapshots/read', snapshot.text);
    const end = await this.#ask(this.#requests.get(snapshot), deadlineNs, listener);
    if (end?.kind === 'succeeded' && end.answer.httpStatus === 200) {
      return failureOfDisk(
        `a snapshot ${snapshot.text} exists already; give another --name-prefix, or try again`,
      );
    }
    const code = end?.kind === 'succeeded' ? serviceErrorIn(end.answer.body)?.code : undefined;
    const isFree = code !== 'ResourceGroupNotFound';
    return this.#failureUnless(end, isFree ? [404] : [], purpose);
  }

  #ask(
    request: PreparedRequest,
    deadlineNs: bigint,
    listener: ExchangeListener,
  ): Promise<ExchangeEnd | undefined> {
    return againIfSilent(
      (untilNs) => this.#askOnce(request, untilNs, listener),
      (end) => end,
      deadlineNs,
    );
  }

  async #askOnce(
    request: PreparedRequest,
    deadlineNs: bigint,
    listener: ExchangeListener,
  ): Promise<ExchangeEnd | undefined> {
    const exchange = new Exchange({
      target: this.target,
      connection: this.#connection,
      request,
      succeeds: (httpStatus) => httpStatus === 200 || httpStatus === 404,
      completeWith: 'body',
      listener,
      maxTries: CHECK_TRIES,
    });
    const timer = cutAt(deadlineNs, [exchange]);
    exchange.start(deadlineNs);
    await exchange.whenEnded;
    if (exchange.end?.kind === 'refused') {
      await bodyIn(exchange);
    }
    clearTimeout(timer);
    if (exchange.end !== undefined && 'answer' in exchange.end) {
      this.#note(exchange.end.answer);
    }
    return exchange.end;
  }

  #failureUnless(
    end: ExchangeEnd | undefined,
    expected: readonly number[],
    purpose: Purpose,
  ): RequestFailure | undefined {
    if (end?.kind !== 'succeeded') {
      return failureOfEnd(end, this.#disk.origin, purpose);
    }
    if (!isOfManager(end.answer)) {
      return withoutAnswer('protocol', this.#disk.origin);
    }
    return expected.includes(end.answer.httpStatus)
      ? undefined
      : failureOfEnd(end, this.#disk.origin, purpose);
  }

  #strange(): RequestFailure {
    return withoutAnswer('protocol', this.#disk.origin);
  }

  #purpose(action: string, scope: string): Purpose {
    return { action: `Microsoft.Compute/${action}`, scope, disk: this.#disk.disk.text };
  }

  /** What an answer says besides: the clock of the service (`Date` is in whole seconds, rounded down), and its limits. */
  #note(answer: RawAnswer): void {
    const { headers, receivedNs } = answer;
    this.#rates = { ...this.#rates, ...ratesIn(answer) };
    const serverMs = Date.parse(headerText(headers, 'date') ?? '');
    if (!Number.isNaN(serverMs)) {
      this.#serverClock = { serverMs, atNs: receivedNs };
    }
  }

  #serverTimeOf(atNs: bigint | undefined): number | undefined {
    return atNs === undefined || this.#serverClock === undefined
      ? undefined
      : this.#serverClock.serverMs + Number(atNs - this.#serverClock.atNs) / 1e6;
  }

  #connect(): HttpConnection {
    return new HttpConnection(this.#disk.origin, this.#options);
  }
}
