/** What a request to the host asks for (host-api.md). */
export type HostCallName =
  | 'pre-snapshot'
  | 'do-snapshot'
  | 'check-for-snapshot'
  | 'start-snapshot'
  | 'publish-snapshot'
  /** The wire server's greeting. */
  | 'versions'
  | 'other';

/** A disk of the machine as the host knows it. */
export interface HostDisk {
  /** −1: the OS disk. */
  readonly lun: number;
  /** Copied when a snapshot is taken of it; without it snapshots have no content. */
  readonly imagePath?: string;
}

export interface LabHostOptions {
  /** `wire-server`: 168.63.129.16, port 80, in the lab only. Default: loopback, a port of its own. */
  readonly at?: 'loopback' | 'wire-server';
  readonly disks?: readonly HostDisk[];
  /** From a snapshot request to its answer. Default: none. */
  readonly latencyMs?: number;
  /** Where copies of images go; needed if disks have images. */
  readonly snapshotDirectory?: string;
}

/** How a call is answered instead of well. */
export type HostFault =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body: string;
      readonly delayMs?: number;
    }
  /** Answered well, but later. */
  | { readonly kind: 'slow'; readonly delayMs: number }
  | { readonly kind: 'reset' }
  | { readonly kind: 'no-answer' }
  /** The first half of a good answer, then end of stream. */
  | { readonly kind: 'half-answer' }
  | { readonly kind: 'garbage' }
  /** Answered well; then the connection is closed. */
  | { readonly kind: 'close-after' };

export interface HostFaultRule {
  readonly call: HostCallName;
  readonly fault: HostFault;
  /** How many matching calls are spared first. Default: 0. */
  readonly skip?: number;
  /** How many are hit after those. Default: all. */
  readonly times?: number;
}

/** A snapshot that the host wants of a machine that asks for orders. */
export interface SnapshotOrder {
  readonly snapshotId: string;
  readonly luns?: readonly number[];
  /** As the host sends them: `protected` is an object, or CMS as base64. */
  readonly extensionSettings?: { readonly public?: unknown; readonly protected?: unknown };
  readonly ProtectedSettingsCertThumbprint?: string;
}

export interface LoggedHostRequest {
  readonly call: HostCallName;
  readonly method: string;
  readonly target: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Requests with the same number came over the same connection. */
  readonly connection: number;
  /** CLOCK_MONOTONIC, comparable with the client's `process.hrtime.bigint()`. */
  readonly receivedNs: bigint;
  readonly answeredNs: bigint | undefined;
  /** Undefined if no whole answer was sent. */
  readonly status: number | undefined;
  readonly fault: HostFault['kind'] | undefined;
}

export interface HostSnapshotRecord {
  readonly lun: number;
  readonly imagePath: string | undefined;
}

/** What can be asked of the running host process: argument and result of each call. */
export interface HostControlCalls {
  start: { argument: LabHostOptions; result: string };
  stop: { argument: undefined; result: undefined };
  setFault: { argument: HostFaultRule; result: undefined };
  clearFaults: { argument: undefined; result: undefined };
  order: { argument: SnapshotOrder; result: undefined };
  requests: { argument: undefined; result: readonly LoggedHostRequest[] };
  snapshots: { argument: undefined; result: readonly HostSnapshotRecord[] };
}
