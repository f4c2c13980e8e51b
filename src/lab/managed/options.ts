import { randomUUID } from 'node:crypto';
import type { ServerCertificate } from '../blob-server/model.ts';
import type {
  CloudName,
  Grant,
  Limits,
  Lock,
  ManagedDisk,
  ManagedIdentity,
  ManagedVm,
  OperationPlan,
  Policy,
} from './model.ts';

export interface ManagedLabOptions {
  readonly disks: readonly ManagedDisk[];
  /**
   * `lab`: 169.254.169.254 port 80 and 127.0.0.1 port 443, under the cloud's own name in /etc/hosts; inside the lab
   * only. Default: loopback, ports of their own.
   */
  readonly at?: 'loopback' | 'lab';
  readonly vm?: Partial<ManagedVm>;
  /** Default: the system-assigned one. */
  readonly identities?: readonly ManagedIdentity[];
  /** Default: all that section 5 of managed-disks.md names. */
  readonly grants?: readonly Grant[];
  readonly locks?: readonly Lock[];
  readonly policies?: readonly Policy[];
  /** Further groups that exist; the VM's and those of its disks always do. */
  readonly groups?: readonly string[];
  /** How operations go on disks that have no plan of their own. */
  readonly operation?: Partial<OperationPlan>;
  /** Default: the service's own; `none` refuses nothing. */
  readonly limits?: Partial<Limits> | 'none';
  /** Default: 3599. */
  readonly tokenLifetimeSeconds?: number;
  /** `none` takes snapshots that have no content: for measurements. Default: `copy`. */
  readonly snapshotContent?: 'copy' | 'none';
  /** Where images of snapshots go. Default: a new directory beside the first image, removed at the end. */
  readonly snapshotDirectory?: string;
  /** Server's clock minus the guest's. Default: 0. */
  readonly clockSkewMs?: number;
  /** Of times in JSON. Default: `+00:00`. */
  readonly utcOffset?: string;
  /** Snapshots on one page of a list. Default: 50. */
  readonly pageSize?: number;
  /** Ultra and Premium SSD v2: from an operation's end to completionPercent 100. Default: 1000. */
  readonly backgroundCopyMs?: number;
  /** Between the pictures of one restore point's disks. Default: 0. */
  readonly restorePointSpreadMs?: number;
  /** Of everything drawn at random. Default: 1. */
  readonly seed?: number;
}

/** What the lab's process is started with, filled with every default. */
export interface ManagedSetup {
  readonly options: ManagedOptions;
  readonly certificate: ServerCertificate;
  readonly untrusted: ServerCertificate;
  readonly metadataAddress: ListenAddress;
  readonly armAddress: ListenAddress;
}

export type ManagedOptions = Required<Omit<ManagedLabOptions, 'vm' | 'operation' | 'limits'>> & {
  readonly vm: ManagedVm;
  readonly operation: OperationPlan;
  readonly limits: Limits | undefined;
};

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export const DEFAULT_PLAN: OperationPlan = {
  durationMs: 200,
  answerMs: 0,
  pointInTime: 'end',
  inProgress: 0,
  outcome: 'Succeeded',
  error: { code: 'InternalExecutionError', message: 'An internal execution error occurred.' },
  headers: 'both',
  retryAfterSeconds: 2,
  urlBase: undefined,
  runningWord: 'InProgress',
};

/** Sections 2, 3 and 4 of managed-disks.md. */
export const AZURE_LIMITS: Limits = {
  perDiskInFiveMinutes: 7,
  alivePerDisk: 500,
  runningCopiesPerDisk: 3,
  restorePointsPerHour: 3,
  writes: { bucket: 200, perSecond: 10 },
  reads: { bucket: 250, perSecond: 25 },
  deletes: { bucket: 200, perSecond: 10 },
  policies: {
    HighCostSnapshotCreateHydrate3Min: 1000,
    HighCostSnapshotCreateHydrate30Min: 8000,
    LowCostGet3Min: 15_000,
    LowCostGet30Min: 120_000,
    GetOperation3Min: 50_000,
    GetOperation30Min: 400_000,
  },
};

/** Host of each cloud's resource manager; a token's audience is `https://<host>/`. */
export const ARM_HOSTS: Readonly<Record<CloudName, string>> = {
  AzurePublicCloud: 'management.azure.com',
  AzureUSGovernmentCloud: 'management.usgovcloudapi.net',
  AzureChinaCloud: 'management.chinacloudapi.cn',
  AzureGermanCloud: 'management.microsoftazure.de',
};

/** All that the tool may ever ask for. */
export const ALL_ACTIONS: readonly string[] = [
  'Microsoft.Authorization/locks/read',
  'Microsoft.Authorization/permissions/read',
  'Microsoft.Compute/disks/read',
  'Microsoft.Compute/disks/write',
  'Microsoft.Compute/disks/beginGetAccess/action',
  'Microsoft.Compute/snapshots/read',
  'Microsoft.Compute/snapshots/write',
  'Microsoft.Compute/snapshots/delete',
  'Microsoft.Compute/snapshots/beginGetAccess/action',
  'Microsoft.Compute/snapshots/endGetAccess/action',
  'Microsoft.Compute/locations/DiskOperations/read',
  'Microsoft.Compute/locations/operations/read',
  'Microsoft.Compute/virtualMachines/read',
  'Microsoft.Compute/restorePointCollections/read',
  'Microsoft.Compute/restorePointCollections/write',
  'Microsoft.Compute/restorePointCollections/delete',
  'Microsoft.Compute/restorePointCollections/restorePoints/read',
  'Microsoft.Compute/restorePointCollections/restorePoints/write',
  'Microsoft.Compute/restorePointCollections/restorePoints/delete',
  'Microsoft.Compute/restorePointCollections/restorePoints/diskRestorePoints/read',
  'Microsoft.Compute/restorePointCollections/restorePoints/diskRestorePoints/beginGetAccess/action',
];

export function completeOptions(
  options: ManagedLabOptions,
  snapshotDirectory: string,
): ManagedOptions {
  const vm = completeVm(options.vm ?? {});
  return {
    at: 'loopback',
    identities: [systemIdentity(vm)],
    grants: [{ actions: ALL_ACTIONS, scope: `/subscriptions/${vm.subscriptionId}` }],
    locks: [],
    policies: [],
    groups: [],
    tokenLifetimeSeconds: 3599,
    snapshotContent: 'copy',
    snapshotDirectory,
    clockSkewMs: 0,
    utcOffset: '+00:00',
    pageSize: 50,
    backgroundCopyMs: 1000,
    restorePointSpreadMs: 0,
    seed: 1,
    ...options,
    vm,
    operation: { ...DEFAULT_PLAN, ...options.operation },
    limits: options.limits === 'none' ? undefined : { ...AZURE_LIMITS, ...options.limits },
  };
}

function completeVm(vm: Partial<ManagedVm>): ManagedVm {
  return {
    subscriptionId: '11111111-2222-3333-4444-555555555555',
    resourceGroup: 'lab-group',
    name: 'lab-vm',
    vmId: randomUUID(),
    location: 'westeurope',
    zone: '',
    vmSize: 'Standard_D8s_v5',
    environment: 'AzurePublicCloud',
    edgeZone: undefined,
    securityType: '',
    encryptionAtHost: false,
    scaleSetId: '',
    shoutsGroups: false,
    ...vm,
  };
}

export function systemIdentity(vm: ManagedVm): ManagedIdentity {
  return {
    kind: 'system',
    clientId: randomUUID(),
    objectId: randomUUID(),
    resourceId: `/subscriptions/${vm.subscriptionId}/resourceGroups/${vm.resourceGroup}/providers/Microsoft.Compute/virtualMachines/${vm.name}`,
  };
}

/** A user-assigned identity of that name. */
export function userIdentity(name: string, vm: Partial<ManagedVm> = {}): ManagedIdentity {
  const { subscriptionId, resourceGroup } = completeVm(vm);
  return {
    kind: 'user',
    clientId: randomUUID(),
    objectId: randomUUID(),
    resourceId: `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`,
  };
}
