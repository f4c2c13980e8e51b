import { setTimeout as sleep } from 'node:timers/promises';
import { deadlineIn, millisecondsUntil } from '../../system/stamps.ts';
import { retryAfterMsOf } from '../http/attempt.ts';
import { bodyIn } from '../http/body-in.ts';
import { HttpConnection } from '../http/connection.ts';
import { cutAt, Exchange, IGNORE_EVENTS } from '../http/exchange.ts';
import type { ExchangeEnd } from '../http/exchange-end.ts';
import type { PreparedRequest } from '../http/request.ts';
import { parseArmId } from './arm-id.ts';
import { ArmRequests } from './prepared-disk.ts';
import { serviceErrorIn } from './service-error.ts';

/** Longest time for the deletion of one snapshot or point; it is optional clean-up and not worth more. */
export const DELETION_LIMIT_MS = 30_000;
const PAUSE_MS = 1_000;
/** Kept of the limit for the last question whether the resource is gone. */
export const LAST_QUESTION_MS = 5_000;

export interface DeleteOptions {
  readonly origin: string;
  readonly proxy: string | undefined;
  /** Secret. */
  readonly authorization: string;
}

/**
 * Deletes a snapshot of a managed disk. Do not call it while anything is frozen.
 *
 * @param snapshot its resource id
 * @returns undefined if the snapshot is gone, otherwise the reason, without secrets
 */
export async function deleteDiskSnapshot(
  snapshot: string,
  { origin, proxy, authorization }: DeleteOptions,
): Promise<string | undefined> {
  const id = parseArmId(snapshot, 'snapshots');
  if (id === undefined) {
    return 'its id has not the expected form';
  }
  const connection = new HttpConnection(origin, { connectTimeoutMs: DELETION_LIMIT_MS, proxy });
  const requests = new ArmRequests(authorization, '');
  const deadlineNs = deadlineIn(DELETION_LIMIT_MS);
  const ask = (request: PreparedRequest): Promise<ExchangeEnd | undefined> =>
    askOnce(connection, request, deadlineNs);
  try {
    return await deleteUntilGone(deadlineNs, {
      delete: () => ask(requests.delete(id)),
      get: () => ask(requests.get(id)),
      reasonOf: (end) => reasonOf(end, () => 'Microsoft.Compute/snapshots/delete'),
    });
  } finally {
    connection.close();
  }
}

/** How a resource is deleted and looked for. */
export interface Deletion {
  readonly delete: () => Promise<ExchangeEnd | undefined>;
  readonly get: () => Promise<ExchangeEnd | undefined>;
  readonly reasonOf: (end: ExchangeEnd | undefined) => string;
}

/**
 * Deletes a resource, also if an operation on it is still running, and waits until it is gone.
 *
 * @returns undefined if it is gone, otherwise the reason
 */
export async function deleteUntilGone(
  deadlineNs: bigint,
  deletion: Deletion,
): Promise<string | undefined> {
  for (;;) {
    const end = await deletion.delete();
    if (end?.kind === 'succeeded') {
      return end.answer.httpStatus === 202 ? await goneUntil(deadlineNs, deletion.get) : undefined;
    }
    // Its operation may still be running.
    const isBusy = end?.kind === 'refused' && end.answer.httpStatus === 409;
    if (!isBusy || process.hrtime.bigint() > deadlineNs) {
      return deletion.reasonOf(end);
    }
    await sleep(PAUSE_MS);
  }
}

async function goneUntil(
  deadlineNs: bigint,
  ask: () => Promise<ExchangeEnd | undefined>,
): Promise<string | undefined> {
  for (let isLast = false; ; ) {
    const end = await ask();
    if (end?.kind === 'succeeded' && end.answer.httpStatus === 404) {
      return undefined;
    }
    const leftMs = millisecondsUntil(deadlineNs) - LAST_QUESTION_MS;
    if (isLast || leftMs <= 0) {
      return 'its deletion was accepted, but had not ended in time';
    }
    const answer = end !== undefined && 'answer' in end ? end.answer : undefined;
    const askedMs = answer && retryAfterMsOf(answer.headers);
    const pauseMs = askedMs ?? PAUSE_MS;
    // The service may ask for a longer pause than the limit.
    isLast = pauseMs >= leftMs;
    await sleep(Math.min(pauseMs, leftMs));
  }
}

/** Sends one request, with its tries until the deadline; an answer of 404 counts as success. */
export async function askOnce(
  connection: HttpConnection,
  request: PreparedRequest,
  deadlineNs: bigint,
): Promise<ExchangeEnd | undefined> {
  const exchange = new Exchange({
    target: 0,
    connection,
    request,
    succeeds: (httpStatus) => httpStatus < 300 || httpStatus === 404,
    completeWith: 'body',
    listener: IGNORE_EVENTS,
  });
  const timer = cutAt(deadlineNs, [exchange]);
  exchange.start(deadlineNs);
  await exchange.whenEnded;
  await bodyIn(exchange);
  clearTimeout(timer);
  // The next request on this connection would wait for a body that never ends.
  exchange.release();
  return exchange.end;
}

/**
 * Why a deletion was refused.
 *
 * @param actionOf the right that is missing if the service answers 403; takes the text of the service
 */
export function reasonOf(
  end: ExchangeEnd | undefined,
  actionOf: (message: string) => string,
): string {
  if (end?.kind === 'refused') {
    const { httpStatus, body } = end.answer;
    const error = serviceErrorIn(body);
    return httpStatus === 403
      ? `the VM's identity lacks ${actionOf(error?.message ?? '')}`
      : (error?.code ?? `HTTP ${httpStatus}`);
  }
  return end?.kind === 'broken' ? end.code : 'no answer in time';
}
