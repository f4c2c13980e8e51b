import type { MessagePort } from 'node:worker_threads';
import type { Preflight, Rewarmed, SnapshotAnswer, SnapshotEvent } from '../snapshot-types.ts';
import type { PreparedTarget } from './requests.ts';

/** What a lane is started with. */
export interface LaneTask {
  readonly port: MessagePort;
  readonly targets: readonly PreparedTarget[];
  readonly limits: LaneLimits;
  /** The disks are encrypted: their metadata are asked for by themselves. */
  readonly encrypted: boolean;
}

export interface LaneLimits {
  /** For one target's preflight: name, connection, TLS and answer, with its tries. */
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
  | { readonly kind: 'answers' };

/** From a lane to the main thread. Only `events` arrive unasked. */
export type LaneReport =
  | { readonly kind: 'ready' }
  | { readonly kind: 'preflight'; readonly results: readonly Preflight[] }
  | { readonly kind: 'rewarm'; readonly results: readonly Rewarmed[] }
  | { readonly kind: 'answers'; readonly results: readonly SnapshotAnswer[] }
  | {
      readonly kind: 'events';
      /** Re-warming sends its events the same way, so that the way has been gone once. */
      readonly purpose: 'rewarm' | 'snapshot';
      readonly events: readonly SnapshotEvent[];
    };
