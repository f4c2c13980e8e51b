import { headerText, type RawAnswer } from '../http/attempt.ts';
import type { Exchange } from '../http/exchange.ts';
import type { ExchangeEnd } from '../http/exchange-end.ts';
import { failureWithoutAnswer } from '../http/failures.ts';
import type { RequestFailure, SnapshotAnswer } from '../snapshot-types.ts';
import { failureOfAnswer, failureUnsent } from './failures.ts';
import { patienceOf, withLimits } from './patience.ts';

/** The parts of a target that its texts are made from. The only secrets are those that must not appear in them. */
export interface Addressee {
  readonly target: number;
  readonly origin: string;
  readonly secrets: readonly string[];
}

/** Whether this answer to a snapshot request says that a snapshot was created: 201 and its name. */
export function namesSnapshot(httpStatus: number, headers: RawAnswer['headers']): boolean {
  return httpStatus === 201 && headerText(headers, 'x-ms-snapshot') !== undefined;
}

/** The full answer of a target's snapshot request; if the target was never fired, `attempts` is 0. */
export function snapshotAnswer(
  exchange: Exchange,
  addressee: Addressee,
  mark: string | undefined,
): SnapshotAnswer {
  const { end } = exchange;
  const answer = end !== undefined && 'answer' in end ? end.answer : undefined;
  const succeeded = end?.kind === 'succeeded';
  return {
    target: addressee.target,
    attempts: exchange.attempts,
    firedNs: exchange.firedNs,
    acknowledgedNs: succeeded ? exchange.endedNs : undefined,
    ...(end?.kind === 'refused' ? refusedAtOf(end.answer) : {}),
    httpStatus: answer?.httpStatus,
    snapshot: succeeded ? token(end.answer, 'x-ms-snapshot', addressee) : undefined,
    requestId: answer === undefined ? undefined : token(answer, 'x-ms-request-id', addressee),
    failure: succeeded ? undefined : failureOfExchange(exchange, end, addressee),
    mayHaveOrphan: exchange.mayHaveOrphan,
    surplus: exchange.surplus.flatMap((it) => token(it, 'x-ms-snapshot', addressee) ?? []),
    ...(mark === undefined ? {} : { mark }),
    ...patienceOf(exchange),
  };
}

/** The `Date` header is in whole seconds, rounded down. */
function refusedAtOf({ headers, receivedNs }: RawAnswer): Pick<SnapshotAnswer, 'refusedAt'> {
  const serverMs = Date.parse(headerText(headers, 'date') ?? '');
  return {
    refusedAt: { receivedNs, serverMs: Number.isNaN(serverMs) ? undefined : serverMs },
  };
}

function failureOfExchange(
  { attempts, lastFailed }: Exchange,
  end: Exclude<ExchangeEnd, { kind: 'succeeded' }> | undefined,
  addressee: Addressee,
): RequestFailure {
  if (attempts === 0) {
    return failureUnsent(addressee.origin);
  }
  return withLimits(failureOf(end, addressee), end, lastFailed);
}

/** Why an exchange did not succeed. */
export function failureOf(
  end: Exclude<ExchangeEnd, { kind: 'succeeded' }> | undefined,
  addressee: Addressee,
): RequestFailure {
  const { origin } = addressee;
  switch (end?.kind) {
    case 'refused':
      return refusal(end.answer, addressee);
    case 'broken':
      return failureWithoutAnswer(end.failure, origin, end.code);
    case 'cut':
      return failureWithoutAnswer(end.reason, origin);
    case undefined:
      return failureWithoutAnswer('aborted', origin);
  }
}

function refusal(answer: RawAnswer, addressee: Addressee): RequestFailure {
  const { httpStatus } = answer;
  const requestId = token(answer, 'x-ms-request-id', addressee);
  if (httpStatus < 300) {
    return { ...failureWithoutAnswer('protocol', addressee.origin), httpStatus, requestId };
  }
  return failureOfAnswer(addressee.origin, httpStatus, serviceCode(answer, addressee), requestId);
}

/** From the header, or from the body's `<Code>` if a proxy dropped the header. */
export function serviceCode(answer: RawAnswer, addressee: Addressee): string | undefined {
  const inBody = /<Code>(\w{1,100})<\/Code>/.exec(Buffer.concat(answer.body).toString('latin1'));
  return token(answer, 'x-ms-error-code', addressee) ?? clean(inBody?.[1], addressee);
}

function token(answer: RawAnswer, header: string, addressee: Addressee): string | undefined {
  return clean(headerText(answer.headers, header), addressee);
}

/** Texts of a server are printed, so accept only a short plain token that does not echo a secret. */
function clean(text: string | undefined, { secrets }: Addressee): string | undefined {
  return text !== undefined &&
    /^[\w:.+-]{1,100}$/.test(text) &&
    !secrets.some((secret) => text.includes(secret))
    ? text
    : undefined;
}
