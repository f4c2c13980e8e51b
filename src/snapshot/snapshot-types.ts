import type { Blob } from './blob/blob.ts';

/** One disk's snapshot to take. Holds a secret (the SAS signature in `blob`): never log it whole. */
export interface BlobTarget {
  readonly blob: Blob;
  /** Metadata the snapshot gets; replaces the blob's own where not empty. */
  readonly metadata: readonly (readonly [key: string, value: string])[];
  /** `x-ms-client-request-id`: `<taskId>/<disk index>`. */
  readonly clientRequestId: string;
}

/** Why a request did not end in a snapshot; plain data, because it crosses threads. */
export interface RequestFailure {
  readonly kind:
    | 'connect'
    /** The proxy opened no tunnel. */
    | 'proxy'
    | 'tls'
    | 'timeout'
    | 'reset'
    | 'refused'
    | 'http'
    | 'protocol'
    /** A command in the place of requests failed. */
    | 'command'
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
  /** Where the host took the snapshot: several answers then belong to one target. */
  readonly host?: HostSnapshot;
}

/** What the re-warming of one connection found. */
export type Rewarmed =
  | {
      readonly ok: true;
      readonly target: number;
      /** False where the server closes after every answer: the request will have to connect. */
      readonly warm: boolean;
    }
  | { readonly ok: false; readonly target: number; readonly failure: RequestFailure };

/**
 * Takes the snapshots of a run: the guest itself, a request for each disk, or the host, one request
 * for all. Order of calls: `preflight`, then for each attempt at a freeze `rewarm`, `fire` (as often as
 * targets become ready), perhaps `abort`, and `answers` after the thaw.
 */
export interface SnapshotProvider extends AsyncDisposable {
  /** Proves, before anything is frozen, that the requests can be made; one result for each target. */
  preflight(): Promise<readonly Preflight[]>;
  /** Begins a round, right before the freeze; what was fired before is cut and forgotten. */
  rewarm(): Promise<readonly Rewarmed[]>;
  /**
   * Sends the requests of these targets at once. Never throws, never waits; every fired target gets
   * exactly one `acknowledged` or `failed`.
   *
   * @param deadlineNs CLOCK_MONOTONIC; what has no answer by then is `failed`
   */
  fire(targets: readonly number[], deadlineNs: bigint): void;
  /** Cuts what is under way. */
  abort(): void;
  /** The full answers of this round; at least one for each target, in order. */
  answers(): Promise<readonly SnapshotAnswer[]>;
}

/** What the host says of one of the disks that it was asked to snapshot. No secrets. */
export interface HostSnapshot {
  /** Of the whole call: the HTTP status, or one of 555 to 558 (host-api.md, Status codes). */
  readonly statusCode: number;
  /** Undefined where the host named none; of its query only the snapshot's time is kept. */
  readonly uri: string | undefined;
  /** The disk, where the request listed LUNs and the answer has one entry for each. */
  readonly lun: number | undefined;
  readonly directDrive: DirectDriveSnapshot | undefined;
}

/** How a snapshot of a Direct Drive disk is found again. */
export interface DirectDriveSnapshot {
  readonly createdAt: Date;
  readonly id: string;
  readonly token: string;
  readonly instantAccessDurationMinutes: number | undefined;
}
