import type { RequestFault } from '../blob-server/model.ts';

/** What a request to the instance metadata service asks for. */
export type MetadataCall = 'compute' | 'instance' | 'token' | 'other-metadata';

/** What a request to the resource manager asks for. */
export type ArmCall =
  | 'get-vm'
  | 'get-disk'
  | 'put-disk'
  | 'put-snapshot'
  | 'patch-snapshot'
  | 'get-snapshot'
  | 'delete-snapshot'
  | 'list-snapshots'
  | 'begin-access'
  | 'end-access'
  /** By the SAS of a snapshot, without a token. */
  | 'read-content'
  /** The URL of the Azure-AsyncOperation header. */
  | 'poll-operation'
  /** The URL of the Location header. */
  | 'poll-location'
  | 'list-collections'
  | 'put-collection'
  | 'get-collection'
  | 'delete-collection'
  | 'put-restore-point'
  | 'get-restore-point'
  | 'delete-restore-point'
  | 'get-disk-restore-point'
  | 'get-permissions'
  | 'list-locks'
  | 'other-resource';

export type CallName = MetadataCall | ArmCall;

export type DiskSku =
  | 'Standard_LRS'
  | 'StandardSSD_LRS'
  | 'StandardSSD_ZRS'
  | 'Premium_LRS'
  | 'Premium_ZRS'
  | 'PremiumV2_LRS'
  | 'UltraSSD_LRS';

/**
 * When the snapshot takes its picture of the disk: when the request arrives (it is answered after that), halfway
 * through the operation, at a moment drawn anew, or when all of the operation's time is over, just before it says
 * `Succeeded`. The service documents none of them.
 */
export type PointInTime = 'arrival' | 'between' | 'random' | 'end';

/** How a snapshot (or restore point) of a disk comes about. */
export interface OperationPlan {
  /** From the request's arrival to the operation's end, without the copying of an image. Default: 200. */
  readonly durationMs: number;
  /** From the request's arrival to its 202. Default: 0. */
  readonly answerMs: number;
  /** Default: `end`. */
  readonly pointInTime: PointInTime;
  /** So many polls at least are told `InProgress`. Default: 0. */
  readonly inProgress: number;
  /** Default: `Succeeded`. `never` is `InProgress` for ever. */
  readonly outcome: 'Succeeded' | 'Failed' | 'Canceled' | 'never';
  /** Of an operation that fails. Default: `InternalExecutionError`. */
  readonly error: { readonly code: string; readonly message: string };
  /** Which URLs the answer has; `at-once` answers 200 with the finished resource. Default: `both`. */
  readonly headers: 'both' | 'async-only' | 'location-only' | 'none' | 'at-once';
  /** Seconds, of the 202 and of every poll; undefined: no such header. Default: 2. */
  readonly retryAfterSeconds: number | undefined;
  /** Where the URLs point to; for a client that must not follow them. Default: where the request went. */
  readonly urlBase: string | undefined;
  /** The word for a running operation. Default: `InProgress`. */
  readonly runningWord: string;
}

/** A managed disk of the VM as the platform knows it. */
export interface ManagedDisk {
  readonly name: string;
  /** −1: the OS disk. */
  readonly lun: number;
  /** Copied when the picture is taken; without it snapshots have no content. */
  readonly imagePath?: string;
  /** Default: the image's, or 1 GiB. */
  readonly sizeBytes?: number;
  /** Default: Premium_LRS. */
  readonly sku?: DiskSku;
  /** Default: None. */
  readonly caching?: 'None' | 'ReadOnly' | 'ReadWrite';
  /** `properties.diskState`. Default: Attached. */
  readonly diskState?: string;
  readonly maxShares?: number;
  /** Default: EncryptionAtRestWithPlatformKey. */
  readonly encryptionType?: string;
  readonly diskEncryptionSetId?: string;
  /** Azure Disk Encryption. */
  readonly encryptedInGuest?: boolean;
  readonly ephemeral?: boolean;
  readonly writeAccelerator?: boolean;
  readonly logicalSectorSize?: 512 | 4096;
  readonly networkAccessPolicy?: 'AllowAll' | 'AllowPrivate' | 'DenyAll';
  readonly publicNetworkAccess?: 'Enabled' | 'Disabled';
  /** A page blob in place of a managed disk: metadata has its URI and no id. */
  readonly vhdUri?: string;
  /** Default: the VM's. */
  readonly resourceGroup?: string;
  /** Default: the VM's. */
  readonly location?: string;
  readonly uniqueId?: string;
  /** Attached a moment ago: metadata does not show it yet. */
  readonly hiddenFromMetadata?: boolean;
  /** In metadata only: the disk itself is gone. */
  readonly missing?: boolean;
  /** In place of the lab's. */
  readonly operation?: Partial<OperationPlan>;
}

/** The VM that asks. */
export interface ManagedVm {
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly name: string;
  readonly vmId: string;
  readonly location: string;
  readonly zone: string;
  readonly vmSize: string;
  readonly environment: CloudName;
  readonly edgeZone: string | undefined;
  /** Empty, `TrustedLaunch` or `ConfidentialVM`. */
  readonly securityType: string;
  readonly encryptionAtHost: boolean;
  readonly scaleSetId: string;
  /** Metadata shows group names in upper case, as it sometimes does. */
  readonly shoutsGroups: boolean;
}

export type CloudName =
  | 'AzurePublicCloud'
  | 'AzureUSGovernmentCloud'
  | 'AzureChinaCloud'
  | 'AzureGermanCloud';

export interface ManagedIdentity {
  readonly kind: 'system' | 'user';
  readonly clientId: string;
  readonly objectId: string;
  readonly resourceId: string;
}

/** A role: actions (`*` stands for anything) on a scope and what is below it. */
export interface Grant {
  /** Default: every identity of the VM. */
  readonly clientId?: string;
  readonly actions: readonly string[];
  readonly scope: string;
}

export interface Lock {
  readonly name: string;
  readonly level: 'ReadOnly' | 'CanNotDelete';
  readonly scope: string;
}

/** A policy that denies snapshots; every condition given must hold. */
export interface Policy {
  readonly name: string;
  readonly scope: string;
  readonly missingTag?: string;
  readonly networkAccessPolicy?: 'AllowAll' | 'AllowPrivate' | 'DenyAll';
  readonly sku?: string;
}

/** What the service grants; one request more is refused. */
export interface Limits {
  /** Incremental snapshots of one disk. The error's code is invented: none is documented. */
  readonly perDiskInFiveMinutes: number;
  readonly alivePerDisk: number;
  /** Premium SSD v2 and Ultra. */
  readonly runningCopiesPerDisk: number;
  readonly restorePointsPerHour: number;
  /** What a subscription's buckets hold, and what comes back each second. */
  readonly writes: { readonly bucket: number; readonly perSecond: number };
  readonly reads: { readonly bucket: number; readonly perSecond: number };
  readonly deletes: { readonly bucket: number; readonly perSecond: number };
  /** Of a compute policy, such as `HighCostSnapshotCreateHydrate3Min`; refilled evenly over the time in its name. */
  readonly policies: Readonly<Record<string, number>>;
}

/** Of an error that the lab gives in place of the service's own answer. */
export interface ErrorFault {
  readonly kind: 'error';
  readonly status: number;
  readonly code: string;
  readonly message?: string;
  /** `{"error": {…}}` or, as compute does, without that wrapper. Default: wrapped. */
  readonly shape?: 'wrapped' | 'bare';
  readonly details?: readonly unknown[];
  readonly retryAfterSeconds?: number;
  readonly delayMs?: number;
}

export type ManagedFault =
  | ErrorFault
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly delayMs?: number;
    }
  /** Answered well, but later. */
  | { readonly kind: 'slow'; readonly delayMs: number }
  /** Answered well; then the connection is closed. */
  | { readonly kind: 'close-after' }
  | Exclude<RequestFault, { kind: 'status' }>;

/** Goes wrong before there is a request; counts connections to the resource manager. */
export interface ConnectionFault {
  readonly kind: 'close-at-accept' | 'tls-garbage' | 'tls-untrusted';
}

interface FaultCount {
  /** How many matching ones are spared first. Default: 0. */
  readonly skip?: number;
  /** How many are hit after those. Default: all. */
  readonly times?: number;
  /** The rule ends so long after it was set. Default: never. */
  readonly forMs?: number;
}

/** Rules are tried in the order they were set; the first that is due wins. */
export type ManagedFaultRule =
  | (FaultCount & {
      readonly call: CallName | readonly CallName[] | 'any-resource' | 'any-metadata';
      /** Name of the disk that the call is about. Default: any. */
      readonly disk?: string;
      readonly fault: ManagedFault;
    })
  | (FaultCount & { readonly call: 'connection'; readonly fault: ConnectionFault });

export interface LoggedCall {
  readonly call: CallName;
  readonly service: 'metadata' | 'resource-manager';
  readonly method: string;
  /** Path and query; signed parts of the query only by their lengths. */
  readonly target: string;
  /** Names in lower case; a token only as `Bearer sha256:…`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Name of the disk that the call is about. */
  readonly disk: string | undefined;
  /** Name of the snapshot or restore point. */
  readonly resource: string | undefined;
  /** Requests with the same number came over the same connection. */
  readonly connection: number;
  /** CLOCK_MONOTONIC, comparable with the client's `process.hrtime.bigint()`. */
  readonly receivedNs: bigint;
  readonly answeredNs: bigint | undefined;
  /** Undefined if no whole answer was sent. */
  readonly status: number | undefined;
  /** Of the error that was answered. */
  readonly code: string | undefined;
  readonly fault: ManagedFault['kind'] | undefined;
}

export interface ManagedSnapshot {
  readonly name: string;
  readonly id: string;
  readonly disk: string;
  readonly lun: number;
  readonly provisioningState: 'Updating' | 'Succeeded' | 'Failed';
  readonly timeCreated: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Undefined if there is no content, or not yet. */
  readonly imagePath: string | undefined;
  /** The restore point that it belongs to. */
  readonly restorePoint: string | undefined;
  /** CLOCK_MONOTONIC around the copying of the image; undefined before. */
  readonly copyStartNs: bigint | undefined;
  readonly copyEndNs: bigint | undefined;
  /** CLOCK_MONOTONIC when the operation ended. */
  readonly endedNs: bigint | undefined;
}

/** A disk that was made of a snapshot or restore point. */
export interface MadeDisk {
  readonly name: string;
  readonly id: string;
  /** Id of what it was made of. */
  readonly source: string;
  readonly provisioningState: 'Creating' | 'Succeeded' | 'Failed';
  /** Undefined if there is no content, or not yet. */
  readonly imagePath: string | undefined;
  /** As it was asked for. */
  readonly body: string;
}
