import { type ConnectionOptions, HttpConnection } from '../http/connection.ts';
import {
  cutAt,
  Exchange,
  type ExchangeEnd,
  type ExchangeListener,
  headerText,
} from '../http/exchange.ts';
import type { PreparedRequest } from '../http/request.ts';
import type { Preflight, RequestFailure, Rewarmed } from '../snapshot-types.ts';
import { failureOf, namesSnapshot, serviceCode } from './answers.ts';
import { failureOfPermissions } from './failures.ts';
import type { LaneLimits } from './lane-messages.ts';
import { HEAD_BYTES, keepEncryptionSettings, type PreparedTarget } from './requests.ts';

/** Tries outside the window: enough for a connection that was closed meanwhile. */
const CHECK_TRIES = 3;
const NOBODY: ExchangeListener = { fired: () => {}, ended: () => {} };

type Verdict = 'ok' | 'may-not-read' | RequestFailure;

/** One target in its lane: its connection and what is done over it before the window. */
export class LaneTarget {
  readonly prepared: PreparedTarget;
  readonly connection: HttpConnection;
  readonly #encrypted: boolean;
  #snapshotRequest: PreparedRequest;
  #readable: boolean;

  constructor(prepared: PreparedTarget, options: ConnectionOptions, encrypted: boolean) {
    this.prepared = prepared;
    this.#encrypted = encrypted;
    this.connection = new HttpConnection(prepared.origin, { ...options, proxy: prepared.proxy });
    this.#snapshotRequest = prepared.snapshot;
    this.#readable = prepared.permissions.read;
  }

  snapshotExchange(listener: ExchangeListener): Exchange {
    return new Exchange({
      target: this.prepared.target,
      connection: this.connection,
      request: this.#snapshotRequest,
      succeeds: namesSnapshot,
      completeWith: 'head',
      listener,
    });
  }

  /**
   * Proves name, TLS, SAS and blob. Normally by reading the blob's head. A SAS that may not read is
   * proved by a request that needs write permission and changes nothing; its disk has an empty head,
   * so nobody can say which one it is.
   */
  async preflight({ preflightTimeoutMs }: LaneLimits): Promise<Preflight> {
    const { target, permissions, origin } = this.prepared;
    if (!permissions.snapshot) {
      return { ok: false, target, failure: failureOfPermissions(origin) };
    }
    const deadlineNs = deadlineIn(preflightTimeoutMs);
    if (this.#readable) {
      const { verdict, end } = await this.#check(this.prepared.head, deadlineNs, NOBODY);
      if (verdict === 'ok') {
        return (await this.#keepEncryption(end, deadlineNs)) ?? this.#headOf(end);
      }
      if (verdict !== 'may-not-read') {
        return { ok: false, target, failure: verdict };
      }
      this.#readable = false;
    }
    const { verdict } = await this.#check(this.prepared.probe, deadlineNs, NOBODY);
    return verdict === 'ok' || verdict === 'may-not-read'
      ? { ok: true, target, head: new Uint8Array(0), sizeBytes: undefined }
      : { ok: false, target, failure: verdict };
  }

  /**
   * Proves that the connection is alive, and connects anew where it is not. A connection whose peer
   * is gone without a word shows only by its silence, so the first try gets half of the time.
   */
  async rewarm({ rewarmTimeoutMs }: LaneLimits, listener: ExchangeListener): Promise<Rewarmed> {
    const { target } = this.prepared;
    const request = this.#readable ? this.prepared.firstByte : this.prepared.probe;
    const halfNs = deadlineIn(rewarmTimeoutMs / 2);
    const lastNs = deadlineIn(rewarmTimeoutMs);
    let checked = await this.#check(request, halfNs, listener);
    if (checked.end?.kind === 'cut') {
      checked = await this.#check(request, lastNs, listener);
    }
    const { verdict } = checked;
    return verdict === 'ok' || verdict === 'may-not-read'
      ? { ok: true, target, warm: this.connection.isUp }
      : { ok: false, target, failure: verdict };
  }

  async #check(
    request: PreparedRequest,
    deadlineNs: bigint,
    listener: ExchangeListener,
  ): Promise<{ verdict: Verdict; end: ExchangeEnd | undefined }> {
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
   * A 401, 403 or 404 says that the snapshot would fail too, but for a 403 about the permission that
   * the check needs and the snapshot does not. Any other answer below 500 is proof enough.
   */
  #judge(end: ExchangeEnd | undefined): Verdict {
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
   * Carries the settings that an encrypted disk is unlocked with over to its snapshot. They come with
   * every read of the blob; of an encrypted VM they are asked for by themselves (blob-api.md), and
   * what asks may fail: no snapshot that could not be unlocked.
   */
  async #keepEncryption(
    read: ExchangeEnd | undefined,
    deadlineNs: bigint,
  ): Promise<Preflight | undefined> {
    let end = read;
    if (this.#encrypted) {
      const asked = await this.#check(this.prepared.metadata, deadlineNs, NOBODY);
      if (asked.verdict !== 'ok' && asked.verdict !== 'may-not-read') {
        return { ok: false, target: this.prepared.target, failure: asked.verdict };
      }
      end = asked.end;
    }
    const settings = [end, read].map(encryptionSettingsIn).find((it) => it !== undefined);
    this.#snapshotRequest = keepEncryptionSettings(this.#snapshotRequest, settings);
    return undefined;
  }

  #headOf(end: ExchangeEnd | undefined): Preflight {
    const { target } = this.prepared;
    if (end?.kind !== 'succeeded') {
      return { ok: true, target, head: new Uint8Array(0), sizeBytes: undefined };
    }
    const { httpStatus, headers, body } = end.answer;
    // Copied, so that it can be handed over to another thread without whatever else Node keeps in that memory.
    const head = httpStatus === 416 ? new Uint8Array(0) : new Uint8Array(Buffer.concat(body));
    return { ok: true, target, head, sizeBytes: sizeOf(httpStatus, headers) };
  }
}

function encryptionSettingsIn(end: ExchangeEnd | undefined): string | undefined {
  return end?.kind === 'succeeded'
    ? headerText(end.answer.headers, 'x-ms-meta-diskencryptionsettings')
    : undefined;
}

/** From `Content-Range: bytes 0-69631/1073741824`, or the length of a whole body. */
function sizeOf(httpStatus: number, headers: Parameters<typeof headerText>[0]): number | undefined {
  const text =
    httpStatus === 200
      ? headerText(headers, 'content-length')
      : /\/(\d+)$/.exec(headerText(headers, 'content-range') ?? '')?.[1];
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function deadlineIn(milliseconds: number): bigint {
  return process.hrtime.bigint() + BigInt(Math.round(milliseconds * 1e6));
}
