import type { NamedValue } from '../../restore-points/membership.ts';
import type { ExchangeListener } from '../http/exchange.ts';
import type { Preflight, Rewarmed, SnapshotAnswer } from '../snapshot-types.ts';
import type { LaneLimits } from './lane-messages.ts';

/** What a lane takes a snapshot of: a page blob or a managed disk. It holds the connection to it. */
export interface LaneTarget {
  readonly target: number;
  /** Proves, before anything is frozen, that the snapshot can be requested. */
  preflight(limits: LaneLimits): Promise<Preflight>;
  /** Proves that the connection is alive, and reconnects if it is not. */
  rewarm(limits: LaneLimits, listener: ExchangeListener): Promise<Rewarmed>;
  /** Makes the request of a round, before the window. */
  snapshotRequest(listener: ExchangeListener): LaneRequest;
  /** Prepares to rehearse that request; missing: it is not rehearsed. */
  rehearsal?(listener: ExchangeListener): RequestRehearsal;
  /** Takes the value of the Authorization header from now on; missing: the target needs none. */
  authorize?(authorization: string): void;
  /** Takes what the snapshots of the requests from now on say of their restore point: metadata or tags. */
  describe(values: readonly NamedValue[]): void;
}

/** Makes snapshot requests that are answered in memory, so that nothing leaves the process, one after the other. */
export interface RequestRehearsal extends Disposable {
  request(): LaneRequest;
}

/** The snapshot request of one target in one round, with everything that belongs to it until its end is known. */
export interface LaneRequest {
  readonly started: boolean;
  /** @param deadlineNs CLOCK_MONOTONIC; the caller cuts the request at that time */
  start(deadlineNs: bigint): void;
  /** Ends the request now, even if something of it is under way. */
  cut(reason: 'timeout' | 'aborted'): void;
  /** Cuts what is still under way after the end. */
  release(): void;
  /** The full answer; to be called after the thaw. Waits for the end if the request was started. */
  answer(): Promise<SnapshotAnswer>;
}
