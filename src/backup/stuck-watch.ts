import { describeMaintenance, remedyFor } from '../filesystems/btrfs/maintenance.ts';
import { fsidsOf, readExclusiveMaintenance } from '../filesystems/btrfs/read-maintenance.ts';
import type { PlanReading } from '../filesystems/read-plan.ts';
import { describeResize, readResizes } from '../filesystems/resizing.ts';
import { describeDiagnosis, diagnose } from '../freezer/diagnosis.ts';
import type { Freezer } from '../freezer/freezer.ts';
import { reasonOf } from '../system/errno.ts';
import { openFileSystems } from './btrfs-maintenance.ts';

/** A freeze that has used up this share of its limit counts as stuck; one of 64 file systems takes 8 to 50 ms. */
const SHARE_OF_LIMIT = 0.7;

type WatchedFreezer = Pick<Freezer, 'descriptorOf' | 'freezingThreads'>;
type WatchedPlan = Pick<PlanReading, 'fileSystems' | 'daemons'>;

/**
 * Finds out what a stuck freeze waits for, shortly before the freeze is broken off: afterwards the cause is no longer
 * visible. It reads only `/proc` and never blocks.
 */
export class StuckWatch implements Disposable {
  readonly #freezer: WatchedFreezer;
  readonly #plan: WatchedPlan;
  readonly #stillFreezing: () => readonly number[];
  /** The fsid of each file system that is btrfs; read before anything is frozen. */
  readonly #fsids: readonly (string | undefined)[];
  #timer: NodeJS.Timeout | undefined;
  #findings: Promise<readonly string[]> = Promise.resolve([]);

  /** @param stillFreezing indexes of the file systems whose FIFREEZE has not returned */
  constructor(freezer: WatchedFreezer, plan: WatchedPlan, stillFreezing: () => readonly number[]) {
    this.#freezer = freezer;
    this.#plan = plan;
    this.#stillFreezing = stillFreezing;
    this.#fsids = fsidsOf(openFileSystems(plan, freezer));
  }

  /** A wave begins to freeze, and will be broken off after `limitMs`. */
  begin(limitMs: number): void {
    clearTimeout(this.#timer);
    // Already past if this process was late. Node.js warns of a negative delay on standard error.
    const delayMs = Math.max(1, limitMs * SHARE_OF_LIMIT);
    this.#timer = setTimeout(() => {
      // Nothing awaits it before the end of the window: a failure without a handler would end the process there.
      this.#findings = this.#look().catch((error: unknown) => [
        `what the freeze waited for could not be found out: ${reasonOf(error)}`,
      ]);
    }, delayMs);
  }

  /** Sentences on what the freezes waited for; empty if no freeze took long. */
  async findings(): Promise<readonly string[]> {
    return await this.#findings;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  async #look(): Promise<readonly string[]> {
    const stuck = this.#stillFreezing();
    if (stuck.length === 0) {
      return [];
    }
    const [operations, resizes] = await Promise.all([
      this.#operationsOn(stuck),
      readResizes(stuck.flatMap((index) => this.#plan.fileSystems[index] ?? [])),
    ]);
    const diagnosis = describeDiagnosis(
      await diagnose(this.#freezer.freezingThreads(), stuck),
      this.#plan.fileSystems.map(({ mountPoint }) => mountPoint),
      new Set(this.#plan.daemons.map(({ pid }) => pid)),
    );
    return [...operations, ...resizes.map(describeResize), ...diagnosis];
  }

  /** Btrfs operations that block the freezes, even if the freezes also wait for something else. */
  async #operationsOn(stuck: readonly number[]): Promise<string[]> {
    const found = await Promise.all(
      stuck.map(async (index) => {
        const fsid = this.#fsids[index];
        const mountPoint = this.#plan.fileSystems[index]?.mountPoint ?? '';
        return fsid === undefined ? undefined : await readExclusiveMaintenance(mountPoint, fsid);
      }),
    );
    return found.flatMap((it) =>
      it === undefined ? [] : [`${describeMaintenance(it)}: ${remedyFor(it)}`],
    );
  }
}
