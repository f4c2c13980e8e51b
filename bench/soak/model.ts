import type { DrawnFault } from './server-faults.ts';

/** One snapshot of the soak as the process that took it says. */
export interface SoakRun {
  /** Consistent, and every disk has its snapshot. */
  readonly complete: boolean;
  /** By its own stamps; undefined if nothing was frozen. */
  readonly windowMs: number | undefined;
  readonly problem: string | undefined;
  readonly tookMs: number;
  readonly rssMb: number;
  readonly heapMb: number;
  readonly externalMb: number;
  readonly descriptors: number;
  readonly threads: number;
}

/** The same with what the server and the writers saw. */
export interface WatchedRun extends SoakRun {
  readonly fault: DrawnFault['name'];
  readonly faultKind: DrawnFault['kind'];
  /** Longest stall of any writer; undefined if a disk was not snapshotted as it should. */
  readonly stallMs: number | undefined;
  /** Why there is no stall. */
  readonly unsound: string | undefined;
  /** Snapshot requests that came over a connection which had carried another request before. */
  readonly reused: number;
  readonly requests: number;
}

/** What must not grow on the machine. */
export interface Remains {
  readonly loopDevices: number;
  readonly mounts: number;
}

export interface SoakFigures {
  readonly minutes: number;
  readonly runs: readonly WatchedRun[];
  readonly before: Remains;
  readonly after: Remains;
}
