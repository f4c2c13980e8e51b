import type { Chain } from '../proof/order.ts';
import type { SeenPlan } from './comparison.ts';
import type { DrillName } from './drills/drills.ts';
import type { MachineFileSystem } from './machine.ts';
import type { SeenDisks } from './qemu/disk-names.ts';
import type { Truth } from './truth.ts';

/** What the host asks of both boots; `/host/order.json` in the machine. */
export interface Order {
  /** Its place in the list is its place for the chains. */
  readonly fileSystems: readonly MachineFileSystem[];
  readonly chains: readonly Chain[];
  /** Of a boot to drill. */
  readonly drills: readonly DrillName[];
  /** What the plan reads goes to `/host/recorded.*`. */
  readonly record: boolean;
}

/** What the first boot leaves: `/host/frozen.json`. */
export interface Frozen extends Truth {
  /** Of the kernel. */
  readonly release: string;
  /** Of `flashfreeze plan --json`. */
  readonly plan: SeenPlan & SeenDisks;
  /** Names of disks in the table of machines by the kernel's; none if the kernel's are those. */
  readonly names: Readonly<Record<string, string>>;
  readonly freeze: CommandEnd;
  readonly snapshot: CommandEnd;
  /** Durable records of each chain before the snapshot was asked for, and when the writers rested after it. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** Of the machine's operation. */
  readonly seen?: Seen;
}

/** What was seen of an operation besides the run. */
export interface Seen {
  /** As `show_operation` says: before the run, right after it, and after `end_operation`. */
  readonly states: readonly string[];
  /** Of `flashfreeze doctor --json` while it went on. */
  readonly warnings: readonly { readonly id: string; readonly finding: string }[];
  /** How long the run took. */
  readonly runMs: number;
}

export interface CommandEnd {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What the second boot leaves: `/host/checked.json`. */
export interface Checked {
  readonly problems: readonly string[];
  /** That the snapshots show, of all chains. */
  readonly records: number;
}
