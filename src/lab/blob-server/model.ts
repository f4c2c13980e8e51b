/** How long the service takes from a snapshot request to its answer. */
export type Latency =
  | { readonly kind: 'fixed'; readonly ms: number }
  /** Drawn anew for every request, from the server's seed. */
  | { readonly kind: 'uniform'; readonly fromMs: number; readonly toMs: number };

/** A page blob: its content is the backing file of a lab disk, read at the moment it is asked for. */
export interface BlobSpec {
  readonly name: string;
  readonly imagePath: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /** In place of the server's. */
  readonly latency?: Latency;
  /** In place of the server's. */
  readonly limits?: SnapshotLimits;
}

/** What the service grants one blob; a call beyond it is answered 409. */
export interface SnapshotLimits {
  readonly minimumIntervalMs: number;
  readonly maximumCount: number;
}

/** Azure's scalability targets for a premium page blob. */
export const PREMIUM_LIMITS: SnapshotLimits = { minimumIntervalMs: 600_000, maximumCount: 100 };

export interface ServerCertificate {
  readonly caPath: string;
  readonly certPath: string;
  readonly keyPath: string;
}

export interface BlobServerOptions {
  readonly blobs: readonly BlobSpec[];
  /** Default: none. */
  readonly latency?: Latency;
  /**
   * When, between a request and its answer, the image is copied. The service promises no more than
   * `random`, the default.
   */
  readonly copyAt?: 'request' | 'answer' | 'random';
  /** `none` takes snapshots that have no content: for measurements. Default: `copy`. */
  readonly snapshotContent?: 'copy' | 'none';
  /** Default: none. */
  readonly limits?: SnapshotLimits;
  /** Where snapshot images go. Default: a new directory beside the first image, removed at the end. */
  readonly snapshotDirectory?: string;
  /**
   * `per-blob` (default) gives each blob a port of its own, like disks in different storage accounts,
   * so that one blob's connections can be refused and no other's.
   */
  readonly listeners?: 'per-blob' | 'shared';
  /** Default: a CA and a certificate made for this server alone. */
  readonly certificate?: ServerCertificate;
  /** Of everything drawn at random. Default: 1. */
  readonly seed?: number;
  /** Of Node.js and V8, for the server's process. Default: none. */
  readonly nodeOptions?: readonly string[];
}

export type Operation =
  | 'read'
  | 'head'
  | 'metadata'
  | 'snapshot'
  | 'upload'
  | 'delete'
  | 'list'
  | 'other';

/** Goes wrong before there is a request; rules for it count connections. */
export type ConnectionFault =
  /** Nothing listens any more, as long as the rule stands. Needs a port for each blob. */
  | { readonly kind: 'refuse' }
  | { readonly kind: 'close-at-accept' }
  /** The ClientHello is answered with plain text. */
  | { readonly kind: 'tls-garbage' }
  /** A certificate that no CA of the client's signed. */
  | { readonly kind: 'tls-untrusted' };

/**
 * Goes wrong with a request. `handled` says whether it is carried out all the same: a snapshot then
 * exists that the client is not told of.
 */
export type RequestFault =
  | { readonly kind: 'reset'; readonly handled: boolean }
  | { readonly kind: 'no-answer'; readonly handled: boolean }
  /** The first half of the answer's bytes, then end of stream or silence. */
  | { readonly kind: 'half-answer'; readonly handled: boolean; readonly ending: 'close' | 'hang' }
  | { readonly kind: 'garbage'; readonly handled: boolean }
  | { readonly kind: 'trickle'; readonly handled: boolean; readonly byteIntervalMs: number }
  /** Never handled. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly code: string;
      readonly retryAfterSeconds?: number;
      readonly delayMs?: number;
    }
  /** Answered well; the connection is closed once it has been idle for `afterMs`. */
  | { readonly kind: 'close-idle'; readonly afterMs: number }
  /** Answered well with `Keep-Alive: timeout=<seconds>`, and closed after that time. */
  | { readonly kind: 'keep-alive-timeout'; readonly seconds: number };

interface FaultCount {
  readonly blob: string;
  /** How many matching connections or requests are spared first. Default: 0. */
  readonly skip?: number;
  /** How many are hit after those. Default: all. */
  readonly times?: number;
}

/** Rules are tried in the order they were set; the first that is due wins. */
export type FaultRule =
  | (FaultCount & { readonly at: 'connection'; readonly fault: ConnectionFault })
  | (FaultCount & {
      readonly at: 'request';
      readonly fault: RequestFault;
      /** Default: `snapshot`. */
      readonly operation?: Operation | 'any';
    });

export interface LoggedRequest {
  readonly blob: string | undefined;
  readonly operation: Operation;
  readonly method: string;
  /** Path and query without the signature. */
  readonly target: string;
  readonly clientRequestId: string | undefined;
  readonly requestId: string;
  /** Requests with the same number came over the same connection. */
  readonly connection: number;
  /** CLOCK_MONOTONIC, comparable with the client's `process.hrtime.bigint()`. */
  readonly receivedNs: bigint;
  readonly answeredNs: bigint | undefined;
  /** Undefined if no whole answer was sent. */
  readonly status: number | undefined;
  readonly fault: RequestFault['kind'] | undefined;
}

export interface SnapshotRecord {
  readonly blob: string;
  /** `x-ms-snapshot` */
  readonly snapshot: string;
  /** Undefined if snapshots have no content. */
  readonly imagePath: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  /** CLOCK_MONOTONIC around the copying of the image. */
  readonly copyStartNs: bigint;
  readonly copyEndNs: bigint;
}
