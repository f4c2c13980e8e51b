import { hostname } from 'node:os';
import packageJson from '../../package.json' with { type: 'json' };
import { pathOfDisk } from '../filesystems/disks.ts';
import type { Disk, Plan } from '../filesystems/plan-types.ts';
import {
  METADATA_PREFIX,
  type Membership,
  membershipValues,
  type NamedValue,
  TAG_PREFIX,
} from '../restore-points/membership.ts';
import { fittingTags } from '../snapshot/managed/snapshot-naming.ts';
import { readAzureVmId } from '../system/azure-vm-id.ts';
import type { OpenProvider } from './provider.ts';
import { type Behind, diskBehind } from './whole-set/behind.ts';

/** Lets every snapshot say which restore point it belongs to, if such snapshots can; before anything is frozen. */
export async function describeSnapshots(
  restorePoint: string,
  plan: Pick<Plan, 'disks' | 'otherDisks'>,
  { kind, snapshots }: OpenProvider,
  targets: readonly { readonly behind: Behind }[],
): Promise<void> {
  if (snapshots.describe === undefined) {
    return;
  }
  const machine = {
    ...{ restorePoint, host: hostname(), version: packageJson.version },
    vm: await readAzureVmId(),
  };
  const memberships = membershipsOf(machine, plan, targets);
  snapshots.describe(memberships.map(kind === 'managed' ? tagsBeside : metadataOf));
}

/** What each target's snapshot says of the restore point. Pure. */
export function membershipsOf(
  machine: Pick<Membership, 'restorePoint' | 'host' | 'vm' | 'version'>,
  { disks, otherDisks = [] }: Pick<Plan, 'disks' | 'otherDisks'>,
  targets: readonly { readonly behind: Behind }[],
): Membership[] {
  return targets.map(({ behind }, index) => {
    const name = diskBehind(behind);
    const disk = [...disks, ...otherDisks].find((it) => it.name === name);
    return {
      ...machine,
      position: index + 1,
      count: targets.length,
      device: name === undefined ? undefined : pathOfDisk(name),
      lun: disk === undefined ? undefined : lunOf(disk),
    };
  });
}

export function lunOf({ role, lun }: Pick<Disk, 'role' | 'lun'>): Membership['lun'] {
  return role === 'os' ? 'os' : lun;
}

function metadataOf(membership: Membership): NamedValue[] {
  return membershipValues(membership, METADATA_PREFIX);
}

/** The other tags were known when the request was prepared. */
function tagsBeside(membership: Membership): NamedValue[] {
  const isOfDevice = ([name]: NamedValue): boolean => name === `${TAG_PREFIX}device`;
  return fittingTags(membershipValues(membership, TAG_PREFIX).filter(isOfDevice));
}
