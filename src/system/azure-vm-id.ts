import { access, readFile } from 'node:fs/promises';

/** What the firmware of every Azure VM says as the tag of its chassis. */
const CHASSIS_TAG = '7783-7084-3265-9085-8269-3286-77';
const CHASSIS_TAG_PATH = '/sys/class/dmi/id/chassis_asset_tag';
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

/** What a machine's firmware says of it; a text is undefined if there is none. */
export interface Firmware {
  readonly chassisTag: string | undefined;
  readonly productUuid: string | undefined;
  readonly isUefi: boolean;
}

/** Whether the firmware says that this machine is a VM on Azure. */
export async function isAzureVm(): Promise<boolean> {
  return (await textOf(CHASSIS_TAG_PATH))?.trim() === CHASSIS_TAG;
}

/**
 * Identifier that Azure gave this VM, without a request over the network; undefined if the firmware does not show it, or the
 * machine is not on Azure.
 */
export async function readAzureVmId(): Promise<string | undefined> {
  const [chassisTag, productUuid, isUefi] = await Promise.all([
    textOf(CHASSIS_TAG_PATH),
    textOf('/sys/class/dmi/id/product_uuid'),
    access('/sys/firmware/efi').then(
      () => true,
      () => false,
    ),
  ]);
  return azureVmId({ chassisTag, productUuid, isUefi });
}

/**
 * VMs of generation 1 (without UEFI) have a firmware whose first three fields Linux shows in the other order of bytes.
 * Pure.
 * https://github.com/canonical/cloud-init/blob/main/cloudinit/sources/azure/identity.py
 */
export function azureVmId({ chassisTag, productUuid, isUefi }: Firmware): string | undefined {
  const uuid = productUuid?.trim().toLowerCase() ?? '';
  if (chassisTag?.trim() !== CHASSIS_TAG || !UUID.test(uuid)) {
    return undefined;
  }
  const [first = '', second = '', third = '', ...rest] = uuid.split('-');
  return isUefi ? uuid : [...[first, second, third].map(inOtherOrder), ...rest].join('-');
}

function inOtherOrder(bytes: string): string {
  return Buffer.from(bytes, 'hex').reverse().toString('hex');
}

async function textOf(path: string): Promise<string | undefined> {
  return await readFile(path, 'utf8').catch(() => undefined);
}
