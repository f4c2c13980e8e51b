import type { Maintenance } from '../backup/btrfs-maintenance.ts';
import type { LeftFrozen } from '../backup/journal/recover.ts';
import type { PlanReading } from '../filesystems/read-plan.ts';
import type { OutputOf } from '../report/schemas/described.ts';
import type { doctorReportSchema } from '../report/schemas/doctor-report.ts';

/** What `flashfreeze doctor --json` prints. */
export type DoctorReport = OutputOf<typeof doctorReportSchema>;

/** One thing that was looked at. */
export type Check = DoctorReport['checks'][number];

/** All that the checks are made of; reading it freezes nothing. */
export interface MachineFacts {
  readonly isRoot: boolean;
  /** `CapEff` of /proc/self/status, a hexadecimal number. */
  readonly effectiveCapabilities: string | undefined;
  /** /proc/self/uid_map. */
  readonly uidMap: string | undefined;
  readonly kernelRelease: string;
  /** Where this process seems to run in a container: how that shows. */
  readonly container: string | undefined;
  /** False where this process sees other mounts than process 1. */
  readonly sharesMountsWithInit: boolean;
  /** Why a part of the program itself does not work. */
  readonly brokenPart: string | undefined;
  readonly plan: PlanReading | { readonly error: string };
  /** Long operations on a btrfs that a freeze would wait for. */
  readonly maintenance: readonly Maintenance[];
  readonly canExpedite: boolean;
  readonly lock: LockState;
  /** What runs which died may have left frozen. */
  readonly leftFrozen: readonly LeftFrozen[];
  /** Names of running programs that are known to matter. */
  readonly programs: readonly string[];
  /** The folder of the runs lies on a file system that is frozen. */
  readonly logFolder: {
    readonly path: string;
    readonly isFrozen: boolean;
    readonly problem?: string;
  };
  readonly clock: 'synchronized' | 'not-synchronized' | 'unknown';
  /** First line of `openssl version`. */
  readonly openssl: string | undefined;
  /** Why Azure's host service cannot be connected to; undefined where it can. */
  readonly hostProblem: string | undefined;
  /** Names of environment variables and files that set a proxy. */
  readonly proxies: readonly string[];
  /** What is wrong with configuration files. */
  readonly configurationProblems: readonly {
    readonly problem: string;
    readonly isGrave: boolean;
  }[];
  readonly blobs: readonly BlobFacts[];
  /** What a snapshot of these blobs would say of their set; undefined if it could not be looked at. */
  readonly setProblems: readonly string[] | undefined;
}

export type LockState =
  | { readonly kind: 'free' }
  | { readonly kind: 'held'; readonly message: string }
  | { readonly kind: 'unusable'; readonly message: string };

export interface BlobFacts {
  /** URL without its query. */
  readonly blob: string;
  /** What the service or the network said; undefined where the blob can be snapshotted. */
  readonly problem: string | undefined;
  /** `se` of the SAS. */
  readonly expires: Date | undefined;
}
