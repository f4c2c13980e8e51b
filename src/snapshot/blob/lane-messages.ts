import type { MessagePort } from 'node:worker_threads';
import type { NamedValue } from '../../restore-points/membership.ts';
import type { Authorities } from '../http/authorities.ts';
import type { PreparedDisk } from '../managed/prepared-disk.ts';
import type { Preflight, Rewarmed, SnapshotAnswer, SnapshotEvent } from '../snapshot-types.ts';
import type { PreparedTarget } from './prepare-target.ts';

/** The input of a lane's thread. */
export interface LaneTask {
  readonly port: MessagePort;
  readonly work: LaneWork;
  readonly limits: LaneLimits;
  /** Read once, by the main thread. */
  readonly authorities: Authorities;
}

/** What lanes take snapshots of; plain data, because it crosses threads. Secret as a whole. */
export type LaneWork =
  | {
      readonly kind: 'blobs';
      readonly targets: readonly PreparedTarget[];
      /** The disks are encrypted: a separate request reads their metadata. */
      readonly encrypted: boolean;
    }
  | { readonly kind: 'disks'; readonly targets: readonly PreparedDisk[] };

export interface LaneLimits {
  /** For one target's preflight: name resolution, connection, TLS and answer, with its retries. */
  readonly preflightTimeoutMs: number;
  /** For one target's re-warming. */
  readonly rewarmTimeoutMs: number;
}

/** From the main thread to a lane. */
export type LaneCommand =
  | { readonly kind: 'preflight' }
  | { readonly kind: 'rewarm' }
  | { readonly kind: 'fire'; readonly targets: readonly number[]; readonly deadlineNs: bigint }
  | { readonly kind: 'abort' }
  /** Secret. It comes before the `preflight` or `rewarm` that it is for. */
  | { readonly kind: 'authorize'; readonly authorization: string }
  /** By target. It comes before anything is frozen, because it makes the requests of the round anew. */
  | { readonly kind: 'describe'; readonly values: readonly (readonly NamedValue[])[] }
  | { readonly kind: 'answers' };

/** From a lane to the main thread. Only `ready` and `events` arrive without a request. */
export type LaneReport =
  | { readonly kind: 'ready' }
  | { readonly kind: 'preflight'; readonly results: readonly Preflight[] }
  | { readonly kind: 'rewarm'; readonly results: readonly Rewarmed[] }
  | { readonly kind: 'answers'; readonly results: readonly SnapshotAnswer[] }
  | {
      readonly kind: 'events';
      /** Re-warming sends its events through this code path too, so that it has run once before the window. */
      readonly purpose: 'rewarm' | 'snapshot';
      readonly events: readonly SnapshotEvent[];
    };
