import type { VmDisk } from './instance-metadata.ts';

/** What Azure limits in snapshots of this kind of disk, as the end of a sentence; undefined if only the usual limits hold. Pure. */
export function limitOfKind({ sku }: Pick<VmDisk, 'sku'>): string | undefined {
  return /^(?:premiumv2|ultrassd)_/i.test(sku)
    ? 'Azure copies the data of its snapshots in the background: at most 3 snapshots of it at the same time, and no resize meanwhile'
    : undefined;
}
