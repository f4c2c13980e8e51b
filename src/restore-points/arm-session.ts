import { setTimeout as sleep } from 'node:timers/promises';
import type { RawAnswer } from '../snapshot/http/attempt.ts';
import type { ExchangeEnd } from '../snapshot/http/exchange-end.ts';
import {
  isAccepted,
  type PollWay,
  type Progress,
  pollWaysOf,
  progressOfPoll,
  progressOfPut,
} from '../snapshot/managed/operation.ts';
import { type ArmMethod, RestorePointClient } from '../snapshot/managed/restore-point-client.ts';
import type { ServiceError } from '../snapshot/managed/service-error.ts';
import { throwIfAborted, unlessAborted } from '../system/abort.ts';
import type { ManagedService } from './managed-service.ts';

/** For one question. */
const READ_LIMIT_MS = 30_000;
/** For the answer to a request that changes something: the service may ask for a pause first. */
const WRITE_LIMIT_MS = 5 * 60_000;
/** Between two questions about an operation if the service asks for no pause. */
const POLL_MS = 1_000;
const LEAST_PAUSE_MS = 100;

/** How a request and its operation ended. */
export type Followed =
  /** `answer` is the last one: it has the output of the operation, or the resource. */
  | { readonly kind: 'succeeded'; readonly answer: RawAnswer }
  /** The request was accepted, and its operation ended as a failure. */
  | { readonly kind: 'operation-failed'; readonly error: ServiceError }
  /** The request, or a question about its operation, was not answered well. */
  | { readonly kind: 'exchange'; readonly end: ExchangeEnd | undefined; readonly accepted: boolean }
  | { readonly kind: 'late' };

export interface FollowOptions {
  readonly limitMs: number;
  /** Path of the resource that the request makes, which says how far it is; undefined: only the operation has its result. */
  readonly resource: string | undefined;
}

/** A connection to the resource manager outside of the window: renews the token, and follows long-running operations. */
export class ArmSession implements Disposable {
  readonly #service: Pick<ManagedService, 'origin' | 'proxy' | 'tokens'>;
  readonly #client: RestorePointClient;
  readonly #abort: AbortSignal | undefined;

  /** @param abort ends what is under way, with FF_INTERRUPTED */
  constructor(
    service: Pick<ManagedService, 'origin' | 'proxy' | 'tokens'>,
    abort?: AbortSignal | undefined,
  ) {
    this.#service = service;
    this.#client = new RestorePointClient(service.origin, service.proxy, '');
    this.#abort = abort;
  }

  /**
   * An answer of 404 is a success too.
   *
   * @param path path and query
   * @throws FlashfreezeError as `TokenKeeper`
   */
  async ask(
    method: ArmMethod,
    path: string,
    body?: object,
    limitMs = method === 'GET' ? READ_LIMIT_MS : WRITE_LIMIT_MS,
  ): Promise<ExchangeEnd | undefined> {
    const { tokens } = this.#service;
    const send = async (authorization: string): Promise<ExchangeEnd | undefined> => {
      this.#client.authorize(authorization);
      return await this.#client.ask(this.#client.request(method, path, body), limitMs);
    };
    const work = async (): Promise<ExchangeEnd | undefined> => {
      const end = await send(await tokens.forNow());
      return end?.kind === 'refused' && end.answer.httpStatus === 401
        ? await send(await tokens.renewed())
        : end;
    };
    return this.#abort === undefined ? await work() : await unlessAborted(this.#abort, work());
  }

  /** Sends a request, and asks for the end of its operation at the pace that the service asks for. */
  async follow(
    method: ArmMethod,
    path: string,
    body: object | undefined,
    { limitMs, resource }: FollowOptions,
  ): Promise<Followed> {
    const end = await this.ask(method, path, body);
    if (end?.kind !== 'succeeded' || !isAccepted(end.answer.httpStatus)) {
      return { kind: 'exchange', end, accepted: false };
    }
    const progress =
      resource === undefined ? progressOfPost(end.answer) : progressOfPut(end.answer);
    const ways = pollWaysOf(end.answer, this.#service.origin).filter(
      ({ kind }) => resource !== undefined || kind !== 'resource',
    );
    return await this.#poll(ways, { progress, answer: end.answer }, { limitMs, resource });
  }

  async #poll(
    first: readonly PollWay[],
    accepted: Step,
    { limitMs, resource }: FollowOptions,
  ): Promise<Followed> {
    const deadlineMs = performance.now() + limitMs;
    let [ways, { progress, answer }] = [first, accepted];
    for (;;) {
      const end = endOf(progress, answer);
      if (end !== undefined) {
        return end;
      }
      const pauseMs = pauseAfter(progress);
      if (performance.now() + pauseMs >= deadlineMs) {
        return { kind: 'late' };
      }
      await this.pause(pauseMs);
      const [way] = ways;
      const asked = await this.ask('GET', pathOf(way, resource));
      const isAnswered = asked?.kind === 'succeeded' && isAccepted(asked.answer.httpStatus);
      if (!isAnswered && ways.length <= 1) {
        return { kind: 'exchange', end: asked, accepted: true };
      }
      if (isAnswered) {
        answer = asked.answer;
        progress = progressAt(way, answer, resource);
      }
      // The right to read operations may be missing, or the answer says nothing; there may be another way to ask.
      ways = isAnswered && progress.kind !== 'unclear' ? ways : others(ways);
    }
  }

  /** @throws FlashfreezeError FF_INTERRUPTED */
  async pause(ms: number): Promise<void> {
    if (this.#abort === undefined) {
      await sleep(ms);
      return;
    }
    await sleep(ms, undefined, { signal: this.#abort }).catch(() => {});
    throwIfAborted(this.#abort);
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

interface Step {
  readonly progress: Progress;
  readonly answer: RawAnswer;
}

function endOf(progress: Progress, answer: RawAnswer): Followed | undefined {
  switch (progress.kind) {
    case 'succeeded':
      return { kind: 'succeeded', answer };
    case 'failed':
      return { kind: 'operation-failed', error: progress.error };
    default:
      return undefined;
  }
}

function pauseAfter(progress: Progress): number {
  const askedMs = progress.kind === 'running' ? progress.pauseMs : undefined;
  return Math.max(askedMs ?? POLL_MS, LEAST_PAUSE_MS);
}

function others(ways: readonly PollWay[]): readonly PollWay[] {
  return ways.length > 1 ? ways.slice(1) : ways;
}

function pathOf(way: PollWay | undefined, resource: string | undefined): string {
  return way === undefined || way.kind === 'resource' ? (resource ?? '') : way.path;
}

function progressAt(
  way: PollWay | undefined,
  answer: RawAnswer,
  resource: string | undefined,
): Progress {
  return resource === undefined && way?.kind === 'location'
    ? progressOfPost(answer)
    : progressOfPoll(way?.kind ?? 'resource', answer);
}

/** Of a request whose answer, or the answer at its `Location`, is the result itself. */
function progressOfPost(answer: RawAnswer): Progress {
  return answer.httpStatus === 202 ? progressOfPut(answer) : { kind: 'succeeded' };
}
