import type { NamedValue } from '../restore-points/membership.ts';
import type { Blob } from './blob/blob.ts';
import type { RatesLeft } from './managed/rate-limits.ts';
import type { BlobHead } from './matching/blob-head.ts';

/** One disk's snapshot to take. Holds a secret (the SAS signature in `blob`): never log it whole. */
export interface BlobTarget {
  readonly blob: Blob;
  /** Metadata of the snapshot; if not empty, it replaces the blob's own. */
  readonly metadata: readonly (readonly [key: string, value: string])[];
  /** `x-ms-client-request-id`: `<taskId>/<disk index>`. */
  readonly clientRequestId: string;
}

/** Why a request did not end in a snapshot; plain data, because it crosses threads. */
export interface RequestFailure {
  readonly kind:
    | 'connect'
    /** The proxy did not open a tunnel. */
    | 'proxy'
    | 'tls'
    | 'timeout'
    | 'reset'
    | 'refused'
    | 'http'
    | 'protocol'
    /** A command that runs instead of the requests failed. */
    | 'command'
    | 'aborted';
  /** Without secrets. */
  readonly message: string;
  readonly httpStatus: number | undefined;
  /** `x-ms-error-code` */
  readonly serviceCode: string | undefined;
  readonly requestId: string | undefined;
}

/** The preflight's result for one target, before anything is frozen. */
export type Preflight =
  | {
      readonly ok: true;
      readonly target: number;
      /** `NO_HEAD` if the SAS has no read permission: the blob's disk then cannot be identified. */
      readonly head: BlobHead;
      readonly sizeBytes: number | undefined;
    }
  | { readonly ok: false; readonly target: number; readonly failure: RequestFailure };

/** What happens to a target inside the window: the minimum that the schedule needs. */
export type SnapshotEvent =
  /** The final answer is in and the snapshot exists. */
  | { readonly kind: 'acknowledged'; readonly target: number; readonly atNs: bigint }
  /** There will be no further retry. */
  | { readonly kind: 'failed'; readonly target: number; readonly atNs: bigint };

/** The full answer, parsed after the thaw. */
export interface SnapshotAnswer {
  readonly target: number;
  readonly attempts: number;
  /** When the first request line was written. */
  readonly firedNs: bigint | undefined;
  readonly acknowledgedNs: bigint | undefined;
  /** When the last answer was in, if it was a refusal; also by the clock of the service, rounded down to a second. */
  readonly refusedAt?: { readonly receivedNs: bigint; readonly serverMs: number | undefined };
  readonly httpStatus: number | undefined;
  /** `x-ms-snapshot`, or the resource id of a managed disk's snapshot or disk restore point; undefined if there is no snapshot. */
  readonly snapshot: string | undefined;
  readonly requestId: string | undefined;
  readonly failure: RequestFailure | undefined;
  /**
   * True if an answer was lost after its request had left, or did not say whether the request was carried
   * out (500): an unknown snapshot may exist. After a retry it can be true together with a `snapshot`.
   */
  readonly mayHaveOrphan: boolean;
  /** Its id, if it was in the request. */
  readonly orphan?: string;
  /** `x-ms-snapshot` of further snapshots that the tries of this request made; missing: none is known. */
  readonly surplus?: readonly string[];
  /** Metadata `REQUEST_MARK` of the snapshot that this request makes, and no other; missing: it has none. */
  readonly mark?: string;
  /** Missing if the answer was in within the usual time. */
  readonly patience?: PatienceUsed;
  /** Set if the host took the snapshot: several answers then belong to one target. */
  readonly host?: HostSnapshot;
  /** Set if one request was for several managed disks, and this is the answer about one of them. */
  readonly disk?: { readonly id: string; readonly lun: number };
  /** Set if it is the snapshot of a managed disk. */
  readonly managed?: ManagedSnapshot;
}

/** What the service says after the thaw of the snapshot of a managed disk. */
export interface ManagedSnapshot {
  /** False if the service could not be asked any more. */
  readonly isRead: boolean;
  /** Below 100 while the service still copies the data in the background, from a state that it keeps. */
  readonly completionPercent: number | undefined;
  readonly accessState: string | undefined;
}

/** How long a request held the writers of its disk beyond the usual time. */
export interface PatienceUsed {
  readonly usedMs: number;
  /** What it waited for, as the end of a sentence. */
  readonly waitedFor: string;
}

/** The result of re-warming one connection. */
export type Rewarmed =
  | {
      readonly ok: true;
      readonly target: number;
      /** False if the server closes the connection after every answer: the request will have to connect. */
      readonly warm: boolean;
      /** What the resource manager has said of its limits; missing: it is no managed disk. */
      readonly rates?: RatesLeft;
    }
  | { readonly ok: false; readonly target: number; readonly failure: RequestFailure };

/**
 * Takes the snapshots of a run: the guest itself with a request for each disk, the host with one request
 * for all, or a command. Order of calls: `preflight`, then for each freeze attempt `rewarm`, `fire` (whenever
 * targets become ready), perhaps `abort`, and `answers` after the thaw.
 */
export interface SnapshotProvider extends AsyncDisposable {
  /** Proves, before anything is frozen, that the requests can be made; one result for each target. */
  preflight(): Promise<readonly Preflight[]>;
  /**
   * Takes what the snapshots are to say of their restore point, by target: metadata or tags. To be called before anything is
   * frozen. Missing if such snapshots can say nothing.
   */
  describe?(values: readonly (readonly NamedValue[])[]): void;
  /** Begins a round, right before the freeze; requests of the former round are cut and forgotten. */
  rewarm(): Promise<readonly Rewarmed[]>;
  /**
   * Sends the requests of these targets at once. Never throws, never waits; every fired target gets
   * exactly one `acknowledged` or `failed`.
   *
   * @param deadlineNs CLOCK_MONOTONIC; a target without an answer by then is `failed`
   */
  fire(targets: readonly number[], deadlineNs: bigint): void;
  /** Cuts the requests that are under way. */
  abort(): void;
  /** The full answers of this round; at least one for each target, in order. */
  answers(): Promise<readonly SnapshotAnswer[]>;
}

/** The host's answer about one of the disks that it was asked to snapshot. No secrets. */
export interface HostSnapshot {
  /** The status of the whole call: HTTP, or one of 555 to 558 (host-api.md, Status codes). */
  readonly statusCode: number;
  /** Undefined if the host named none; only the snapshot's time is kept of its query. */
  readonly uri: string | undefined;
  /** The disk, if the request listed LUNs and the answer has one entry for each. */
  readonly lun: number | undefined;
  readonly directDrive: DirectDriveSnapshot | undefined;
}

/** Identifies a snapshot of a Direct Drive disk. */
export interface DirectDriveSnapshot {
  readonly createdAt: Date;
  readonly id: string;
  readonly token: string;
  readonly instantAccessDurationMinutes: number | undefined;
}
