/** One disk's snapshot to take. Holds a secret (the SAS signature in `url`): never log it whole. */
export interface BlobTarget {
  readonly url: string;
  /** Metadata the snapshot gets; replaces the blob's own where not empty. */
  readonly metadata: readonly (readonly [key: string, value: string])[];
  /** `x-ms-client-request-id`: `<taskId>/<disk index>`. */
  readonly clientRequestId: string;
}

/** Why a request did not end in a snapshot; plain data, because it crosses threads. */
export interface RequestFailure {
  readonly kind:
    | 'connect'
    | 'tls'
    | 'timeout'
    | 'reset'
    | 'refused'
    | 'http'
    | 'protocol'
    | 'aborted';
  /** Without secrets. */
  readonly message: string;
  readonly httpStatus: number | undefined;
  /** `x-ms-error-code` */
  readonly serviceCode: string | undefined;
  readonly requestId: string | undefined;
}

/** What the preflight read found for one target, before anything is frozen. */
export type Preflight =
  | {
      readonly ok: true;
      readonly target: number;
      /** Empty where the SAS may not read: the disk cannot be told from the blob then. */
      readonly head: Uint8Array;
      readonly sizeBytes: number | undefined;
    }
  | { readonly ok: false; readonly target: number; readonly failure: RequestFailure };

/** What happens to a target inside the window; the least that the schedule needs. */
export type SnapshotEvent =
  | { readonly kind: 'fired'; readonly target: number; readonly atNs: bigint }
  /** The final answer is in and there is a snapshot. */
  | { readonly kind: 'acknowledged'; readonly target: number; readonly atNs: bigint }
  /** No further try will be made. */
  | { readonly kind: 'failed'; readonly target: number; readonly atNs: bigint };

/** The full answer, parsed after the thaw. */
export interface SnapshotAnswer {
  readonly target: number;
  readonly attempts: number;
  /** First request line written. */
  readonly firedNs: bigint | undefined;
  readonly acknowledgedNs: bigint | undefined;
  readonly httpStatus: number | undefined;
  /** `x-ms-snapshot`; undefined where there is no snapshot. */
  readonly snapshot: string | undefined;
  readonly requestId: string | undefined;
  readonly failure: RequestFailure | undefined;
  /**
   * True where an answer was lost after its request had left, or left open whether the request was
   * carried out (500): a snapshot may exist that nobody knows. Also beside a `snapshot`, after a retry.
   */
  readonly mayHaveOrphan: boolean;
}
