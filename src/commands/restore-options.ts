import { FlashfreezeError } from '../errors.ts';
import type { PlacementWishes } from '../restore/disk-body.ts';
import type { RestoreReport } from '../restore/restore-text.ts';
import { isGroupName } from '../snapshot/managed/arm-id.ts';
import type { RestoreOptions } from './restore.ts';

/** The report, and the exit code: 1 if a disk was not made, 128 + n after signal n. */
export interface Restored {
  readonly report: RestoreReport;
  readonly exitCode: number;
}

const SKU = /^[A-Za-z][A-Za-z0-9]{2,30}_[A-Z]{3}$/;
const ZONE = /^(?:[1-9]|none)$/;

/**
 * What --sku and --zone ask for. Pure.
 *
 * @throws FlashfreezeError FF_USAGE
 */
export function placementWishesOf({
  sku = [],
  zone,
}: Pick<RestoreOptions, 'sku' | 'zone'>): PlacementWishes {
  if (zone !== undefined && !ZONE.test(zone)) {
    throw usage(`--zone ${zone === '' ? '(empty)' : zone}: expected a number from 1 to 9, or none`);
  }
  const skuOf = new Map<number | 'os', string>();
  let ofOthers: string | undefined;
  for (const text of sku) {
    const { lun, name } = skuIn(text);
    if (lun === undefined) {
      ofOthers = name;
    } else {
      skuOf.set(lun, name);
    }
  }
  return { skuOf, sku: ofOthers, zone };
}

function skuIn(text: string): { readonly lun: number | 'os' | undefined; readonly name: string } {
  const [, lun, name = ''] = /^(?:(os|\d{1,2})=)?(.*)$/i.exec(text) ?? [];
  if (!SKU.test(name)) {
    throw usage(
      `--sku ${text === '' ? '(empty)' : text}: expected a storage type such as Premium_LRS, or <LUN>=<storage type> for one disk, e.g. --sku os=Premium_LRS`,
    );
  }
  const isOs = lun?.toLowerCase() === 'os';
  return { lun: isOs ? 'os' : lun === undefined ? lun : Number(lun), name };
}

/** @throws FlashfreezeError FF_USAGE for options that do not fit together */
export function requireManagedOptions(options: RestoreOptions): void {
  const { managed, to, toResourceGroup, sku, zone } = options;
  if (managed === true) {
    if (to !== undefined) {
      throw usage(
        '--to: expected together with --container; --to-resource-group is for managed disks',
      );
    }
    if (toResourceGroup !== undefined && !isGroupName(toResourceGroup)) {
      throw usage(
        `--to-resource-group ${toResourceGroup === '' ? '(empty)' : toResourceGroup}: expected the name of a resource group, at most 90 letters, digits and _ . ( ) -, not an id`,
      );
    }
    placementWishesOf(options);
    return;
  }
  const lost = Object.entries({
    '--to-resource-group': toResourceGroup,
    '--sku': sku,
    '--zone': zone,
  }).find(([, value]) => value !== undefined);
  if (lost !== undefined) {
    throw usage(`${lost[0]}: expected together with --managed`);
  }
}

function usage(message: string): FlashfreezeError {
  return new FlashfreezeError('FF_USAGE', message);
}
