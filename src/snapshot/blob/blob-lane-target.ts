import { randomUUID } from 'node:crypto';
import { deadlineIn } from '../../system/stamps.ts';
import { againIfSilent } from '../http/again-if-silent.ts';
import { headerText, type RawAnswer } from '../http/attempt.ts';
import { type ConnectionOptions, HttpConnection } from '../http/connection.ts';
import { connectionInMemory } from '../http/connection-in-memory.ts';
import {
  cutAt,
  Exchange,
  type ExchangeListener,
  type ExchangeOptions,
  IGNORE_EVENTS,
} from '../http/exchange.ts';
import type { ExchangeEnd } from '../http/exchange-end.ts';
import { failureWithoutAnswer } from '../http/failures.ts';
import type { PreparedRequest } from '../http/request.ts';
import { NO_HEAD, readBlobHead } from '../matching/blob-head.ts';
import { HEAD_BYTES } from '../matching/evidence.ts';
import type { Preflight, RequestFailure, Rewarmed } from '../snapshot-types.ts';
import { failureOf, namesSnapshot, serviceCode } from './answers.ts';
import { BlobRequest } from './blob-request.ts';
import { failureOfPermissions } from './failures.ts';
import type { LaneLimits } from './lane-messages.ts';
import type { LaneRequest, LaneTarget, RequestRehearsal } from './lane-types.ts';
import type { MetadataPair } from './metadata.ts';
import type { PreparedTarget } from './prepare-target.ts';
import { completeMetadata, metadataIn } from './snapshot-metadata.ts';

/** Tries outside the window: enough to recover from a connection that was closed meanwhile. */
const CHECK_TRIES = 3;

/** The answer to a snapshot request, with the headers that the service sends. */
const CREATED = [
  'HTTP/1.1 201 Created',
  'Content-Length: 0',
  'Server: Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0',
  'x-ms-snapshot: 2000-01-01T00:00:00.0000000Z',
  'x-ms-request-id: 00000000-0000-0000-0000-000000000000',
  'x-ms-version: 2021-12-02',
  'Date: Sat, 01 Jan 2000 00:00:00 GMT',
  '\r\n',
].join('\r\n');

type Verdict = 'ok' | 'may-not-read' | RequestFailure;

interface Checked {
  readonly verdict: Verdict;
  readonly end: ExchangeEnd | undefined;
}

/** A page blob: its connection, and the requests that use it before the window. */
export class BlobLaneTarget implements LaneTarget {
  readonly target: number;
  readonly prepared: PreparedTarget;
  readonly connection: HttpConnection;
  readonly #options: ConnectionOptions;
  readonly #encrypted: boolean;
  /** The blob's own metadata; undefined if the SAS may not read them. */
  #ownMetadata: readonly MetadataPair[] | undefined;
  #membership: readonly MetadataPair[] = [];
  #readable: boolean;

  constructor(prepared: PreparedTarget, options: ConnectionOptions, encrypted: boolean) {
    this.target = prepared.target;
    this.prepared = prepared;
    this.#encrypted = encrypted;
    this.#options = { ...options, proxy: prepared.proxy };
    this.connection = this.#connect();
    this.#readable = prepared.permissions.read;
  }

  describe(membership: readonly MetadataPair[]): void {
    this.#membership = membership;
  }

  /** Each has a mark of its own, so that a snapshot of an earlier round is not taken for one of this round. */
  snapshotRequest(listener: ExchangeListener): LaneRequest {
    return this.#requestOn(this.connection, listener, { openAnother: () => this.#connect() });
  }

  /**
   * The code that takes a snapshot differs from that of the requests before it. Run for the first time in the window, it took
   * 2 ms more with 4 disks.
   */
  rehearsal(listener: ExchangeListener): RequestRehearsal {
    const connection = connectionInMemory(this.prepared.origin, CREATED);
    return {
      request: () => this.#requestOn(connection, listener),
      [Symbol.dispose]: () => connection.close(),
    };
  }

  #requestOn(
    connection: HttpConnection,
    listener: ExchangeListener,
    more: Pick<ExchangeOptions, 'openAnother'> = {},
  ): LaneRequest {
    const { target, snapshot, permissions } = this.prepared;
    const wanted = permissions.list ? randomUUID() : undefined;
    const { request, mark } = completeMetadata(
      snapshot,
      this.#ownMetadata,
      this.#membership,
      wanted,
    );
    const exchange = new Exchange({
      target,
      connection,
      request,
      succeeds: namesSnapshot,
      completeWith: 'head',
      listener,
      ...more,
    });
    return new BlobRequest(exchange, this.prepared, mark);
  }

  /**
   * Proves name, TLS, SAS and blob, normally by reading the blob's head. A SAS without read permission is
   * proved by a request that needs write permission and changes nothing; the head is then empty, so the
   * blob's disk cannot be identified.
   */
  async preflight({ preflightTimeoutMs }: LaneLimits): Promise<Preflight> {
    const { target, permissions, origin } = this.prepared;
    if (!permissions.snapshot) {
      return { ok: false, target, failure: failureOfPermissions(origin) };
    }
    const deadlineNs = deadlineIn(preflightTimeoutMs);
    if (this.#readable) {
      const { verdict, end } = await this.#check(this.prepared.head, deadlineNs, IGNORE_EVENTS);
      if (verdict === 'ok') {
        return (await this.#keepMetadata(end, deadlineNs)) ?? this.#headOf(end);
      }
      if (verdict !== 'may-not-read') {
        return { ok: false, target, failure: verdict };
      }
      this.#readable = false;
    }
    const { verdict } = await this.#check(this.prepared.probe, deadlineNs, IGNORE_EVENTS);
    return verdict === 'ok' || verdict === 'may-not-read'
      ? { ok: true, target, head: NO_HEAD, sizeBytes: undefined }
      : { ok: false, target, failure: verdict };
  }

  /** Proves that the connection is alive, and reconnects if it is not. */
  async rewarm({ rewarmTimeoutMs }: LaneLimits, listener: ExchangeListener): Promise<Rewarmed> {
    const { target } = this.prepared;
    const request = this.#readable ? this.prepared.firstByte : this.prepared.probe;
    const { verdict } = await this.#check(request, deadlineIn(rewarmTimeoutMs), listener);
    return verdict === 'ok' || verdict === 'may-not-read'
      ? { ok: true, target, warm: this.connection.isUp }
      : { ok: false, target, failure: verdict };
  }

  #connect(): HttpConnection {
    return new HttpConnection(this.prepared.origin, this.#options);
  }

  #check(
    request: PreparedRequest,
    deadlineNs: bigint,
    listener: ExchangeListener,
  ): Promise<Checked> {
    return againIfSilent(
      (untilNs) => this.#checkOnce(request, untilNs, listener),
      ({ end }) => end,
      deadlineNs,
    );
  }

  async #checkOnce(
    request: PreparedRequest,
    deadlineNs: bigint,
    listener: ExchangeListener,
  ): Promise<Checked> {
    const exchange = new Exchange({
      target: this.prepared.target,
      connection: this.connection,
      request,
      succeeds: (httpStatus) => httpStatus < 300 || httpStatus === 416,
      completeWith: 'body',
      listener,
      maxTries: CHECK_TRIES,
      bodyLimitBytes: HEAD_BYTES,
    });
    const timer = cutAt(deadlineNs, [exchange]);
    exchange.start(deadlineNs);
    await exchange.whenEnded;
    clearTimeout(timer);
    return { verdict: this.#judge(exchange.end), end: exchange.end };
  }

  /**
   * After a 401, 403 or 404 the snapshot would fail too, except after a 403 about a permission that only the
   * check needs. Any other answer below 500 is sufficient proof.
   */
  #judge(end: ExchangeEnd | undefined): Verdict {
    const isAnswered = end?.kind === 'succeeded' || end?.kind === 'refused';
    if (isAnswered && end.answer.httpStatus < 500 && !isOfService(end.answer)) {
      return failureWithoutAnswer('protocol', this.prepared.origin);
    }
    if (end?.kind === 'succeeded') {
      return 'ok';
    }
    if (end?.kind === 'refused') {
      const { httpStatus } = end.answer;
      if (serviceCode(end.answer, this.prepared) === 'AuthorizationPermissionMismatch') {
        const needsIt = !this.#readable && this.prepared.permissions.lease;
        return needsIt ? failureOf(end, this.prepared) : 'may-not-read';
      }
      if (httpStatus < 500 && ![401, 403, 404].includes(httpStatus)) {
        return 'ok';
      }
    }
    return failureOf(end, this.prepared);
  }

  /**
   * Keeps the blob's own metadata for the snapshot. Every read of the blob returns them. If the VM is encrypted, a
   * separate request reads them (blob-api.md), and the preflight fails if that request does: without the settings among
   * them the snapshot could not be unlocked.
   */
  async #keepMetadata(
    read: ExchangeEnd | undefined,
    deadlineNs: bigint,
  ): Promise<Preflight | undefined> {
    this.#ownMetadata = metadataOf(read);
    if (this.#encrypted) {
      const { verdict, end } = await this.#check(this.prepared.metadata, deadlineNs, IGNORE_EVENTS);
      if (verdict !== 'ok' && verdict !== 'may-not-read') {
        return { ok: false, target: this.prepared.target, failure: verdict };
      }
      this.#ownMetadata = metadataOf(end) ?? this.#ownMetadata;
    }
    return undefined;
  }

  #headOf(end: ExchangeEnd | undefined): Preflight {
    const { target } = this.prepared;
    if (end?.kind !== 'succeeded') {
      return { ok: true, target, head: NO_HEAD, sizeBytes: undefined };
    }
    const { httpStatus, headers, body } = end.answer;
    const head = httpStatus === 416 ? NO_HEAD : readBlobHead(Buffer.concat(body));
    return { ok: true, target, head, sizeBytes: sizeOf(httpStatus, headers) };
  }
}

/** Every answer of the Blob service has such a header; the page of a gateway or captive portal has none. */
function isOfService({ headers }: RawAnswer): boolean {
  return Object.keys(headers).some((name) => name.startsWith('x-ms-'));
}

function metadataOf(end: ExchangeEnd | undefined): MetadataPair[] | undefined {
  return end?.kind === 'succeeded' ? metadataIn(end.answer) : undefined;
}

/** From `Content-Range: bytes 0-69631/1073741824`, or the length of a whole body. */
function sizeOf(httpStatus: number, headers: Parameters<typeof headerText>[0]): number | undefined {
  const text =
    httpStatus === 200
      ? headerText(headers, 'content-length')
      : /\/(\d+)$/.exec(headerText(headers, 'content-range') ?? '')?.[1];
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
