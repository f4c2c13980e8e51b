import type { VmDisk } from './instance-metadata.ts';

/** Azure copies the data of its snapshots after their operations have ended. Pure. */
export function isCopiedInBackground({ sku }: { readonly sku: string }): boolean {
  return /^(?:premiumv2|ultrassd)_/i.test(sku);
}

/** What Azure limits in snapshots of this kind of disk, as the end of a sentence; undefined if only the usual limits hold. Pure. */
export function limitOfKind(disk: Pick<VmDisk, 'sku'>): string | undefined {
  return isCopiedInBackground(disk)
    ? 'Azure copies the data of its snapshots in the background: at most 3 snapshots of it at the same time, and no resize meanwhile'
    : undefined;
}
