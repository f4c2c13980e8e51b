import type { Workload } from '../../config/workload.ts';
import type { QuiesceCircumstances } from '../quiesce-types.ts';
import type { Account } from './account.ts';

/** A database that has been brought into the state that the snapshots are to show. */
export interface HeldDatabase {
  /** CLOCK_MONOTONIC; since when something of it is held up. Undefined if nothing is. */
  readonly heldFromNs: bigint | undefined;
  /**
   * Releases it and ends the session, within the workload's time-out. Throws DatabaseFault if it
   * could not be released by itself, or was not held until now; the session has ended also then.
   */
  release(): Promise<void>;
}

/** What a session needs. */
export interface ConnectionContext {
  readonly workload: Workload;
  readonly account: Account;
  /** Hears of every session, so that an abort can end them all. */
  readonly onSession: (session: { kill(): void }) => void;
}

export interface DatabaseContext extends ConnectionContext {
  readonly circumstances: QuiesceCircumstances;
}

/** Quiesces; holds nothing any more where it throws a DatabaseFault. */
export type HoldDatabase = (context: DatabaseContext) => Promise<HeldDatabase>;
