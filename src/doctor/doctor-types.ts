import type { Maintenance } from '../backup/btrfs-maintenance.ts';
import type { LeftFrozen } from '../backup/journal/recover.ts';
import type { ManagedLook } from '../backup/look-at-managed.ts';
import type { PlanReading } from '../filesystems/read-plan.ts';
import type { Finding } from '../quiesce/quiesce-types.ts';
import type { OutputOf } from '../report/schemas/described.ts';
import type { doctorReportSchema } from '../report/schemas/doctor-report.ts';
import type { Instance } from '../snapshot/managed/instance-metadata.ts';
import type { ManagedSet } from '../snapshot/managed/managed-set.ts';
import type { SnapshotCount } from '../snapshot/managed/snapshot-limits.ts';
import type { TokenIdentity } from '../snapshot/managed/token-identity.ts';
import type { ClockState } from '../system/clock-state.ts';

/** What `flashfreeze doctor --json` prints. */
export type DoctorReport = OutputOf<typeof doctorReportSchema>;

/** The result of one check, as `--json` prints it. */
export type ReportedCheck = DoctorReport['checks'][number];

export interface Check extends ReportedCheck {
  /** The finding with a long list cut, for people; missing: the finding is short. */
  readonly brief?: string;
}

/** The judged machine. */
export interface Examination extends Omit<DoctorReport, 'checks'> {
  readonly checks: readonly Check[];
}

/** The facts that the checks judge; reading them freezes nothing. */
export interface MachineFacts {
  readonly isRoot: boolean;
  /** `CapEff` of /proc/self/status, a hexadecimal number. */
  readonly effectiveCapabilities: string | undefined;
  /** /proc/self/uid_map. */
  readonly uidMap: string | undefined;
  readonly kernelRelease: string;
  /** What shows that this process runs in a container: a file, or a namespace in words; undefined if nothing does. */
  readonly container: string | undefined;
  /** False if this process sees other mounts than process 1; undefined if it may not look. */
  readonly sharesMountsWithInit: boolean | undefined;
  /** Why a part of the program itself does not work. */
  readonly brokenPart: string | undefined;
  readonly plan: PlanReading | { readonly error: string };
  /** Resizes, and long operations on a btrfs, that a freeze would wait for. */
  readonly maintenance: readonly Maintenance[];
  /** Mount points of the file systems that a security policy forbids to freeze. */
  readonly forbidden: readonly string[];
  readonly canExpedite: boolean;
  readonly lock: LockState;
  /** File systems that dead runs may have left frozen. */
  readonly leftFrozen: readonly LeftFrozen[];
  /** Names of the running programs that are known to affect freezes. */
  readonly programs: readonly string[];
  /** Messages that the kernel keeps for auditd; undefined if auditctl(8) does not tell. */
  readonly auditBacklog: number | undefined;
  /** The folder that runs are kept in, and whether it is on a file system that is frozen. */
  readonly logFolder: {
    readonly path: string;
    readonly isFrozen: boolean;
    readonly problem?: string;
  };
  /** Undefined if nothing says whether it is synchronized. */
  readonly clock: ClockState | undefined;
  /** Free space and inodes of the folders that flashfreeze writes to, one for each file system. */
  readonly places: readonly PlaceFacts[];
  /** Undefined if no file for metrics is configured. */
  readonly metricsFile: { readonly path: string; readonly problem: string | undefined } | undefined;
  /** First line of `openssl version`. */
  readonly openssl: string | undefined;
  /** The firmware says so. */
  readonly isAzureVm: boolean;
  /** Why no connection to Azure's host service could be made; undefined if one was made, or none was tried. */
  readonly hostProblem: string | undefined;
  /** False: the agent's configuration forbids it. */
  readonly agentRunsExtensions: boolean;
  readonly authorities: { readonly source: string; readonly problem: string | undefined };
  /** Names of environment variables and files that set a proxy. */
  readonly proxies: readonly string[];
  /** Problems of the configuration files. */
  readonly configurationProblems: readonly {
    readonly problem: string;
    readonly isGrave: boolean;
  }[];
  readonly quiesce: QuiesceFacts;
  /** The next snapshot, which a SAS must outlast; undefined if none is known. */
  readonly nextRun: NextRun | undefined;
  readonly blobs: readonly BlobFacts[];
  /** What a snapshot of these blobs would say about their set; undefined if the set could not be checked. */
  readonly set: SetFacts | undefined;
  /** Undefined without --managed. */
  readonly managed: ManagedFacts | undefined;
}

/** What snapshots of the managed disks depend on; what is missing could not be asked, because something before it failed. */
export interface ManagedFacts {
  readonly metadata: { readonly instance?: Instance; readonly problem?: string };
  readonly set?: ManagedSet;
  readonly identity?: IdentityFacts;
  readonly manager?: ManagerFacts;
  readonly look?: ManagedLook;
}

export type IdentityFacts =
  | { readonly problem: string }
  | (TokenIdentity & { readonly expires: Date });

/** What the resource manager says. */
export interface ManagerFacts {
  readonly origin: string;
  readonly isProxied: boolean;
  /** Why it gave no answer; then the rest is empty. */
  readonly problem: string | undefined;
  /** In the order of the set. */
  readonly disks: readonly {
    readonly sizeBytes: number | undefined;
    readonly state: string;
    readonly problem: string | undefined;
    /** Undefined if the list of the snapshots could not be read. */
    readonly count?: SnapshotCount | undefined;
  }[];
  readonly rights: readonly RightsFacts[];
  /** The read-only lock above the snapshots, if there is one and the identity may see it. */
  readonly lock: { readonly id?: string | undefined; readonly isHidden?: true } | undefined;
  /** Why snapshots of their resource group cannot be read. */
  readonly groupProblem: string | undefined;
}

/** Actions that the identity lacks on a scope. */
export interface RightsFacts {
  readonly scope: string;
  /** Undefined: the identity may not see it. */
  readonly missing: readonly string[] | undefined;
  readonly isOptional?: true;
}

/** Free room of a file system. */
export interface PlaceFacts {
  /** A folder, or the nearest one above it that exists. */
  readonly path: string;
  readonly freeBytes: number;
  /** Undefined if the file system has no limit of its own. */
  readonly freeInodes: number | undefined;
}

/** What stands in the way of the applications' scripts. */
export interface QuiesceFacts {
  /** Of the scripts that can be run. */
  readonly scripts: readonly string[];
  readonly findings: readonly Finding[];
  /** What is wrong with scripts that can be run. */
  readonly remarks: readonly string[];
}

export interface NextRun {
  readonly at: Date;
  /** What starts it, e.g. `--at`. */
  readonly by: string;
}

export interface SetFacts {
  readonly warnings: readonly string[];
  /** Those of `warnings` that make the whole set worthless. */
  readonly faults: readonly string[];
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
