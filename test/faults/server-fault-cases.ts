import type { ConnectionFault, FaultRule, RequestFault } from '../../src/lab/blob-server/model.ts';

/** A rule without the blob it is for. */
export type BlobFault = FaultRule extends infer Rule
  ? Rule extends FaultRule
    ? Omit<Rule, 'blob'>
    : never
  : never;

/** What a disk whose server misbehaves in the window must come to. */
export interface FaultCase {
  readonly name: string;
  readonly faults: readonly BlobFault[];
  /** Nothing listens on its port any more once its first snapshot request is in. */
  readonly refusedAfterwards?: boolean;
  readonly outcome: FaultOutcome;
  /** A snapshot may exist that the caller has no name of. */
  /** Undefined: either. */
  readonly mayHaveOrphan: boolean | undefined;
  /** Fewest and most snapshot requests that reach the server. */
  readonly requests: readonly [least: number, most: number];
  /** The server asks for this long a pause between two of them. */
  readonly retryAfterNs?: bigint;
  /** Snapshots the server has made all the same. */
  readonly made: 'none' | 'some';
}

export type FaultOutcome =
  | { readonly kind: 'taken' }
  | { readonly kind: 'failed'; readonly error: RegExp; readonly httpStatus: number | null };

/** A silent request is sent once more, on another connection. */
const SILENT_TRIES = [2, 2] as const;
/** All tries of a disk, retries included (`MAX_TRIES`). */
const ALL_TRIES = 8;

const taken: FaultOutcome = { kind: 'taken' };

function failed(error: RegExp, httpStatus: number | null = null): FaultOutcome {
  return { kind: 'failed', error, httpStatus };
}

function onSnapshot(fault: RequestFault, count: { times?: number } = {}): BlobFault {
  return { at: 'request', fault, ...count };
}

function status(code: number, serviceCode: string, retryAfterSeconds?: number): BlobFault {
  return onSnapshot({
    kind: 'status',
    status: code,
    code: serviceCode,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

/** On the connection that replaces the warm one. */
function onReconnect(fault: ConnectionFault): BlobFault {
  return { at: 'connection', fault, skip: 1 };
}

const LOST_WARM_CONNECTION = onSnapshot({ kind: 'reset', handled: false }, { times: 1 });

/** The request that proves a connection right before the freeze is the second one of a run. */
export const LAST_CHECK = { at: 'request', operation: 'any', skip: 1 } as const;

/** Disks whose snapshot is there in the end. */
export const SURVIVED_CASES: readonly FaultCase[] = [
  {
    name: 'reset once before it is carried out',
    faults: [LOST_WARM_CONNECTION],
    outcome: taken,
    mayHaveOrphan: true,
    requests: [2, 2],
    made: 'some',
  },
  {
    name: 'reset once after it was carried out',
    faults: [onSnapshot({ kind: 'reset', handled: true }, { times: 1 })],
    outcome: taken,
    mayHaveOrphan: true,
    requests: [2, 2],
    made: 'some',
  },
  {
    name: 'busy once',
    faults: [onSnapshot({ kind: 'status', status: 503, code: 'ServerBusy' }, { times: 1 })],
    outcome: taken,
    mayHaveOrphan: false,
    requests: [2, 2],
    made: 'some',
  },
  {
    name: 'warm connection closed while idle, right before the request',
    faults: [{ ...LAST_CHECK, fault: { kind: 'close-idle', afterMs: 1 }, times: 1 }],
    outcome: taken,
    // Whether the request had left when the end of the stream arrived is a matter of luck.
    mayHaveOrphan: undefined,
    requests: [1, 1],
    made: 'some',
  },
  {
    name: 'server that keeps no connection longer than two seconds',
    faults: [
      { at: 'request', operation: 'read', fault: { kind: 'keep-alive-timeout', seconds: 2 } },
    ],
    outcome: taken,
    mayHaveOrphan: false,
    requests: [1, 1],
    made: 'some',
  },
];

/** Disks that stay without a snapshot. The result code of a run that has others too is 761. */
export const FAILED_CASES: readonly FaultCase[] = [
  {
    name: 'reset before',
    faults: [onSnapshot({ kind: 'reset', handled: false })],
    outcome: failed(/closed before the answer was complete/),
    mayHaveOrphan: true,
    requests: [2, ALL_TRIES],
    made: 'none',
  },
  {
    name: 'reset after',
    faults: [onSnapshot({ kind: 'reset', handled: true })],
    outcome: failed(/closed before the answer was complete/),
    mayHaveOrphan: true,
    requests: [2, ALL_TRIES],
    made: 'some',
  },
  {
    name: 'connection refused',
    faults: [onSnapshot({ kind: 'reset', handled: true }, { times: 1 })],
    refusedAfterwards: true,
    outcome: failed(/refuses the connection/),
    mayHaveOrphan: true,
    requests: [1, 1],
    made: 'some',
  },
  {
    name: 'connection closed at once',
    faults: [LOST_WARM_CONNECTION, onReconnect({ kind: 'close-at-accept' })],
    outcome: failed(/closed before the answer was complete|cannot be reached/),
    mayHaveOrphan: true,
    requests: [1, 1],
    made: 'none',
  },
  {
    name: 'TLS answered with something else',
    faults: [LOST_WARM_CONNECTION, onReconnect({ kind: 'tls-garbage' })],
    outcome: failed(/TLS failed/),
    mayHaveOrphan: true,
    requests: [1, 1],
    made: 'none',
  },
  {
    name: 'certificate of an unknown authority',
    faults: [LOST_WARM_CONNECTION, onReconnect({ kind: 'tls-untrusted' })],
    outcome: failed(/TLS failed/),
    mayHaveOrphan: true,
    requests: [1, 1],
    made: 'none',
  },
  {
    name: 'no answer',
    faults: [onSnapshot({ kind: 'no-answer', handled: false })],
    outcome: failed(/no complete answer within the time limit/),
    mayHaveOrphan: true,
    requests: SILENT_TRIES,
    made: 'none',
  },
  {
    name: 'carried out without an answer',
    faults: [onSnapshot({ kind: 'no-answer', handled: true })],
    outcome: failed(/no complete answer within the time limit/),
    mayHaveOrphan: true,
    requests: SILENT_TRIES,
    made: 'some',
  },
  {
    name: 'half an answer, then the end',
    faults: [onSnapshot({ kind: 'half-answer', handled: true, ending: 'close' })],
    outcome: failed(/closed before the answer was complete/),
    mayHaveOrphan: true,
    requests: [2, ALL_TRIES],
    made: 'some',
  },
  {
    name: 'half an answer, then silence',
    faults: [onSnapshot({ kind: 'half-answer', handled: true, ending: 'hang' })],
    outcome: failed(/no complete answer within the time limit/),
    mayHaveOrphan: true,
    requests: SILENT_TRIES,
    made: 'some',
  },
  {
    name: 'one byte a second',
    faults: [onSnapshot({ kind: 'trickle', handled: true, byteIntervalMs: 1_000 })],
    outcome: failed(/no complete answer within the time limit/),
    mayHaveOrphan: true,
    requests: SILENT_TRIES,
    made: 'some',
  },
  {
    name: 'garbage',
    faults: [onSnapshot({ kind: 'garbage', handled: true })],
    outcome: failed(/not from the Blob service/),
    mayHaveOrphan: true,
    requests: [1, 1],
    made: 'some',
  },
  {
    name: 'internal error',
    faults: [status(500, 'InternalError')],
    outcome: failed(/HTTP 500 InternalError/, 500),
    mayHaveOrphan: true,
    requests: [2, ALL_TRIES],
    made: 'none',
  },
  {
    name: 'busy, to be asked again in a second',
    faults: [status(503, 'ServerBusy', 1)],
    outcome: failed(/HTTP 503 ServerBusy/, 503),
    mayHaveOrphan: false,
    requests: [2, 11],
    retryAfterNs: 990_000_000n,
    made: 'none',
  },
  {
    name: 'busy for longer than there is time',
    faults: [status(503, 'ServerBusy', 60)],
    outcome: failed(/HTTP 503 ServerBusy/, 503),
    mayHaveOrphan: false,
    requests: [1, 1],
    made: 'none',
  },
  {
    name: 'forbidden',
    faults: [status(403, 'AuthorizationFailure')],
    outcome: failed(/HTTP 403 AuthorizationFailure/, 403),
    mayHaveOrphan: false,
    requests: [1, 1],
    made: 'none',
  },
];

/** Refusals of the Blob service that have a result code of their own. */
export const RATE_EXCEEDED: FaultCase = {
  name: 'one snapshot too soon',
  faults: [status(409, 'SnapshotOperationRateExceeded')],
  outcome: failed(/HTTP 409 SnapshotOperationRateExceeded/, 409),
  mayHaveOrphan: false,
  requests: [1, 1],
  made: 'none',
};

export const COUNT_EXCEEDED: FaultCase = {
  name: 'one snapshot too many',
  faults: [status(409, 'SnapshotCountExceeded')],
  outcome: failed(/HTTP 409 SnapshotCountExceeded/, 409),
  mayHaveOrphan: false,
  requests: [1, 1],
  made: 'none',
};

/** Faults that a check before the freeze meets, with what the message says of the blob. */
export const PREFLIGHT_FAULTS: readonly (readonly [fault: BlobFault, says: RegExp])[] = [
  [{ at: 'connection', fault: { kind: 'refuse' } }, /refuses the connection/],
  [{ at: 'connection', fault: { kind: 'close-at-accept' } }, /closed before|cannot be reached/],
  [{ at: 'connection', fault: { kind: 'tls-garbage' } }, /TLS failed/],
  [{ at: 'connection', fault: { kind: 'tls-untrusted' } }, /TLS failed/],
  [onRead({ kind: 'reset', handled: true }), /closed before the answer was complete/],
  [onRead({ kind: 'no-answer', handled: true }), /no complete answer within/],
  [onRead({ kind: 'half-answer', handled: true, ending: 'close' }), /closed before the answer/],
  [onRead({ kind: 'half-answer', handled: true, ending: 'hang' }), /no complete answer within/],
  [onRead({ kind: 'trickle', handled: true, byteIntervalMs: 1_000 }), /no complete answer within/],
  [onRead({ kind: 'garbage', handled: true }), /not from the Blob service/],
  [onRead({ kind: 'status', status: 500, code: 'InternalError' }), /HTTP 500 InternalError/],
  [onRead({ kind: 'status', status: 503, code: 'ServerBusy' }), /HTTP 503 ServerBusy/],
  [onRead({ kind: 'status', status: 403, code: 'AuthenticationFailed' }), /HTTP 403 Auth/],
];

function onRead(fault: RequestFault): BlobFault {
  return { at: 'request', operation: 'read', fault };
}
