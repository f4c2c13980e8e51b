import { POINT_ACTIONS } from './restore-point-failures.ts';
import { DISK_ACTIONS, GROUP_ACTIONS } from './rights.ts';

/** Only works on the subscription: operations are no resources of a group. */
export const POLL_ACTION = 'Microsoft.Compute/locations/DiskOperations/read';

/** A custom role as `az role definition create` takes it. */
export interface Role {
  readonly Name: string;
  readonly Description: string;
  readonly Actions: readonly string[];
  readonly AssignableScopes: readonly string[];
}

const ROLE_NAME = 'flashfreeze snapshots';

/**
 * The role that the VM's identity needs for snapshots of managed disks. Pure.
 *
 * @param subscriptions of the disks
 */
export function snapshotRole(subscriptions: readonly string[]): Role {
  return {
    Name: ROLE_NAME,
    Description: 'Takes incremental snapshots of the disks of a VM',
    Actions: [...DISK_ACTIONS, ...GROUP_ACTIONS, POLL_ACTION],
    AssignableScopes: subscriptions.map((subscription) => `/subscriptions/${subscription}`),
  };
}

/** What `restore --managed` and `snapshots verify --deep --managed` need. */
export const RESTORE_ACTIONS = {
  readSnapshot: 'Microsoft.Compute/snapshots/read',
  /** Checked on the snapshot along with the request for a disk of it, and for reading its content. */
  readContent: 'Microsoft.Compute/snapshots/beginGetAccess/action',
  endReading: 'Microsoft.Compute/snapshots/endGetAccess/action',
  readDisk: 'Microsoft.Compute/disks/read',
  writeDisk: 'Microsoft.Compute/disks/write',
} as const;

/**
 * The role for restoring and for reading the content of snapshots. It is not part of the other one, because an intruder on a VM with
 * it can read every snapshot. Pure.
 */
export function restoreRole(subscriptions: readonly string[]): Role {
  return {
    Name: 'flashfreeze restores',
    Description: 'Makes disks of snapshots, and reads their content',
    Actions: [...Object.values(RESTORE_ACTIONS), POLL_ACTION],
    AssignableScopes: subscriptions.map((subscription) => `/subscriptions/${subscription}`),
  };
}

/** The actions that restore points need besides. */
export const RESTORE_POINT_ACTIONS: readonly string[] = [
  'Microsoft.Compute/virtualMachines/read',
  ...Object.values(POINT_ACTIONS),
];

/** What a restore from a restore point of a VM needs besides. */
export const RESTORE_OF_POINT_ACTIONS = {
  readCollection: POINT_ACTIONS.readCollection,
  readPoint: POINT_ACTIONS.readPoint,
  readDiskPoint: 'Microsoft.Compute/restorePointCollections/restorePoints/diskRestorePoints/read',
  /** Checked along with the request for a disk of it. */
  readContent:
    'Microsoft.Compute/restorePointCollections/restorePoints/diskRestorePoints/beginGetAccess/action',
} as const;

export interface Assignment {
  readonly vm: { readonly name: string; readonly group: string };
  /** Of the VM's identity; undefined if it is not known. */
  readonly principalId: string | undefined;
  /** The VM got no token: it may have no identity. */
  readonly needsIdentity: boolean;
  /** Ids of the resource groups of the disks and of the snapshots. */
  readonly scopes: readonly string[];
}

/** Lines for a shell that make the identity and the role (in the file role.json), and assign it. Pure. */
export function roleCommands({ vm, principalId, needsIdentity, scopes }: Assignment): string[] {
  const principal = principalId ?? "'<principal id>'";
  return [
    ...(needsIdentity
      ? [
          `az vm identity assign --resource-group '${vm.group}' --name '${vm.name}' --query systemAssignedIdentity --output tsv`,
        ]
      : []),
    'az role definition create --role-definition role.json',
    ...scopes.map(
      (scope) =>
        `az role assignment create --assignee-object-id ${principal} --assignee-principal-type ServicePrincipal --role '${ROLE_NAME}' --scope '${scope}'`,
    ),
  ];
}
