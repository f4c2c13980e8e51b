import type { Maintenance } from '../backup/btrfs-maintenance.ts';
import type { LeftFrozen } from '../backup/journal/recover.ts';
import type { PlanReading } from '../filesystems/read-plan.ts';
import type { OutputOf } from '../report/schemas/described.ts';
import type { doctorReportSchema } from '../report/schemas/doctor-report.ts';

/** What `flashfreeze doctor --json` prints. */
export type DoctorReport = OutputOf<typeof doctorReportSchema>;

/** The result of one check. */
export type Check = DoctorReport['checks'][number];

/** The facts that the checks judge; reading them freezes nothing. */
export interface MachineFacts {
  readonly isRoot: boolean;
  /** `CapEff` of /proc/self/status, a hexadecimal number. */
  readonly effectiveCapabilities: string | undefined;
  /** /proc/self/uid_map. */
  readonly uidMap: string | undefined;
  readonly kernelRelease: string;
  /** The file that shows that this process runs in a container; undefined if there is none. */
  readonly container: string | undefined;
  /** False if this process sees other mounts than process 1. */
  readonly sharesMountsWithInit: boolean;
  /** Why a part of the program itself does not work. */
  readonly brokenPart: string | undefined;
  readonly plan: PlanReading | { readonly error: string };
  /** Long operations on a btrfs that a freeze would wait for. */
  readonly maintenance: readonly Maintenance[];
  readonly canExpedite: boolean;
  readonly lock: LockState;
  /** File systems that dead runs may have left frozen. */
  readonly leftFrozen: readonly LeftFrozen[];
  /** Names of the running programs that are known to affect freezes. */
  readonly programs: readonly string[];
  /** The folder that runs are kept in, and whether it is on a file system that is frozen. */
  readonly logFolder: {
    readonly path: string;
    readonly isFrozen: boolean;
    readonly problem?: string;
  };
  readonly clock: 'synchronized' | 'not-synchronized' | 'unknown';
  /** First line of `openssl version`. */
  readonly openssl: string | undefined;
  /** Why no connection to Azure's host service could be made; undefined if one was made. */
  readonly hostProblem: string | undefined;
  /** Names of environment variables and files that set a proxy. */
  readonly proxies: readonly string[];
  /** Problems of the configuration files. */
  readonly configurationProblems: readonly {
    readonly problem: string;
    readonly isGrave: boolean;
  }[];
  readonly blobs: readonly BlobFacts[];
  /** Warnings that a snapshot of these blobs would give about their set; undefined if the set could not be checked. */
  readonly setProblems: readonly string[] | undefined;
}

export type LockState =
  | { readonly kind: 'free' }
  | { readonly kind: 'held'; readonly message: string }
  | { readonly kind: 'unusable'; readonly message: string };

export interface BlobFacts {
  /** URL without its query. */
  readonly blob: string;
  /** The message of the service or of the network; undefined if the blob can be snapshotted. */
  readonly problem: string | undefined;
  /** `se` of the SAS. */
  readonly expires: Date | undefined;
}
