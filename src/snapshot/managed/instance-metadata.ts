import * as v from 'valibot';
import { FlashfreezeError } from '../../errors.ts';
import { OS_DISK_LUN } from '../../filesystems/plan-types.ts';

import { type ArmId, armId, isGroupName, isSubscription, parseArmId } from './arm-id.ts';
import { askImds, type ImdsResult, type ImdsSend } from './imds-client.ts';
import { jsonOf } from './json-of.ts';

/** What the instance metadata service says of the VM and its disks. */
export interface Instance {
  readonly vm: Vm;
  /** The OS disk first, then the data disks by LUN. */
  readonly disks: readonly VmDisk[];
}

export interface Vm {
  readonly name: string;
  readonly vmId: string;
  /** Undefined if the service gives no usable one, such as for an instance of a scale set of an unknown form. */
  readonly resourceId: ArmId | undefined;
  readonly subscription: string;
  readonly group: string;
  readonly location: string;
  readonly environment: string;
  readonly size: string;
  /** Its memory is encrypted: Azure makes no restore points of it. */
  readonly isConfidential?: true;
}

export interface VmDisk {
  readonly name: string;
  readonly kind: 'os' | 'data';
  /** −1 for the OS disk. */
  readonly lun: number;
  /** Undefined if it is no managed disk, or if the id has another form than expected. */
  readonly id: ArmId | undefined;
  readonly sku: string;
  readonly isEphemeral: boolean;
  readonly isShared: boolean;
  /** A page blob: snapshots of it are taken with --blob. */
  readonly isUnmanaged: boolean;
  readonly isWriteAccelerated?: true;
}

/** The lowest version that has every field below. */
const PATH = '/metadata/instance/compute?api-version=2021-12-13';

/** Every leaf is a string; a missing one counts as empty. */
const leaf = v.pipe(
  v.nullish(v.union([v.string(), v.number(), v.boolean()]), ''),
  v.transform((value) => String(value)),
);

const diskSchema = v.object({
  name: leaf,
  lun: leaf,
  isSharedDisk: leaf,
  writeAcceleratorEnabled: leaf,
  diffDiskSettings: v.nullish(v.object({ option: leaf })),
  managedDisk: v.nullish(v.object({ id: leaf, storageAccountType: leaf })),
  vhd: v.nullish(v.object({ uri: leaf })),
});

const computeSchema = v.object({
  azEnvironment: leaf,
  location: leaf,
  name: leaf,
  resourceGroupName: leaf,
  resourceId: leaf,
  subscriptionId: leaf,
  vmId: leaf,
  vmSize: leaf,
  securityProfile: v.nullish(v.object({ securityType: leaf })),
  storageProfile: v.object({
    osDisk: v.nullish(diskSchema),
    dataDisks: v.nullish(v.array(diskSchema), []),
  }),
});

/**
 * Asks the instance metadata service which disks this VM has.
 *
 * @throws FlashfreezeError FF_METADATA_UNREACHABLE, FF_METADATA_INVALID
 */
export async function readInstance(send?: ImdsSend, abort?: AbortSignal): Promise<Instance> {
  return parseInstance(requireAnswer(await askImds(PATH, send, abort)));
}

function requireAnswer(result: ImdsResult): string {
  if ('unanswered' in result) {
    throw unreachable(`does not answer (${result.unanswered})`);
  }
  if (result.status !== 200) {
    throw unreachable(`answered HTTP ${result.status}`);
  }
  return result.body;
}

function unreachable(what: string): FlashfreezeError {
  return new FlashfreezeError(
    'FF_METADATA_UNREACHABLE',
    `the instance metadata service at 169.254.169.254 ${what}; nothing was frozen. --managed works only inside an Azure VM: check that this is one, and that neither a firewall nor a route keeps this address from it (a proxy is never used)`,
  );
}

/**
 * Reads the answer of the service. Pure.
 *
 * @throws FlashfreezeError FF_METADATA_INVALID
 */
export function parseInstance(text: string): Instance {
  const parsed = v.safeParse(computeSchema, jsonOf(text));
  if (!parsed.success) {
    throw invalid(v.getDotPath(parsed.issues[0]) ?? 'it is not JSON');
  }
  const compute = parsed.output;
  if (!isSubscription(compute.subscriptionId) || !isGroupName(compute.resourceGroupName)) {
    throw invalid('subscriptionId or resourceGroupName');
  }
  const { osDisk, dataDisks } = compute.storageProfile;
  const disks = [
    ...(osDisk === undefined || osDisk === null ? [] : [diskOf(osDisk, 'os', OS_DISK_LUN)]),
    ...dataDisks.map((disk) => diskOf(disk, 'data', lunOf(disk.lun))).sort((a, b) => a.lun - b.lun),
  ];
  return { vm: vmOf(compute), disks };
}

function vmOf(compute: v.InferOutput<typeof computeSchema>): Vm {
  const { name, vmId, subscriptionId: subscription, resourceGroupName: group } = compute;
  const composed = armId({ subscription, group }, 'virtualMachines', name).text;
  return {
    name,
    vmId,
    resourceId: parseArmId(
      compute.resourceId === '' ? composed : compute.resourceId,
      'virtualMachines',
    ),
    subscription,
    group,
    location: compute.location,
    environment: compute.azEnvironment,
    size: compute.vmSize,
    ...(compute.securityProfile?.securityType.toLowerCase() === 'confidentialvm' && {
      isConfidential: true,
    }),
  };
}

function diskOf(disk: v.InferOutput<typeof diskSchema>, kind: VmDisk['kind'], lun: number): VmDisk {
  const { name, isSharedDisk, diffDiskSettings, managedDisk, vhd } = disk;
  const id = managedDisk?.id ?? '';
  return {
    name,
    kind,
    lun,
    id: parseArmId(id, 'disks'),
    sku: managedDisk?.storageAccountType ?? '',
    isEphemeral: diffDiskSettings?.option.toLowerCase() === 'local',
    isShared: isSharedDisk.toLowerCase() === 'true',
    isUnmanaged: id === '' && (vhd?.uri ?? '') !== '',
    ...(disk.writeAcceleratorEnabled.toLowerCase() === 'true' && { isWriteAccelerated: true }),
  };
}

function lunOf(text: string): number {
  if (!/^\d{1,3}$/.test(text)) {
    throw invalid('storageProfile.dataDisks[].lun');
  }
  return Number(text);
}

function invalid(what: string): FlashfreezeError {
  return new FlashfreezeError(
    'FF_METADATA_INVALID',
    `the answer of the instance metadata service has not the expected form (${what}); nothing was frozen. Look at it with: curl -s -H Metadata:true --noproxy '*' 'http://169.254.169.254${PATH}'`,
  );
}
