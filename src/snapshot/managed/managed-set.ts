import { hostname } from 'node:os';
import packageJson from '../../../package.json' with { type: 'json' };
import { FlashfreezeError } from '../../errors.ts';
import { type ResourceManager, resourceManagerOf } from './clouds.ts';
import type { ImdsSend } from './imds-client.ts';
import { type Instance, readInstance } from './instance-metadata.ts';
import { type PreparedDisk, prepareDisks } from './prepared-disk.ts';
import {
  type ChosenDisk,
  type DiskLeftOut,
  type DiskWishes,
  labelOf,
  selectDisks,
  unknownLuns,
} from './select-disks.ts';
import { markRun, snapshotName, snapshotTags } from './snapshot-naming.ts';

/** What the options of --managed ask for. */
export interface ManagedWishes extends DiskWishes {
  /** Of the snapshots; undefined: that of the VM. */
  readonly group: string | undefined;
  readonly namePrefix: string | undefined;
  readonly tags: readonly (readonly [name: string, value: string])[];
  /** Of a user-assigned identity. */
  readonly clientId: string | undefined;
  /** Name of the collection for one restore point of the VM, in place of snapshots. */
  readonly restorePoint?: string | undefined;
}

/** The managed disks of a run, with all that their requests need except the token. */
export interface ManagedSet {
  readonly instance: Instance;
  readonly manager: ResourceManager;
  readonly chosen: readonly ChosenDisk[];
  readonly leftOut: readonly DiskLeftOut[];
  readonly prepared: readonly PreparedDisk[];
}

export interface PrepareSetOptions {
  readonly runId: string;
  readonly proxyFor: (url: string) => string | undefined;
}

export interface ManagedSetOptions extends PrepareSetOptions {
  readonly abort: AbortSignal;
  readonly send?: ImdsSend;
}

/**
 * Asks the instance metadata which disks the VM has, and prepares the requests for their snapshots.
 *
 * @throws FlashfreezeError FF_METADATA_UNREACHABLE, FF_METADATA_INVALID; FF_DISK_UNSUPPORTED if there is no disk to take
 * a snapshot of, or for a cloud that is not known; FF_USAGE for a LUN that no disk has
 */
export async function readManagedSet(
  wishes: ManagedWishes,
  { abort, send, ...options }: ManagedSetOptions,
): Promise<ManagedSet> {
  return prepareSet(await readInstance(send, abort), wishes, options);
}

/**
 * Prepares the requests for the snapshots of a VM's disks.
 *
 * @throws FlashfreezeError FF_DISK_UNSUPPORTED, FF_USAGE as `readManagedSet`
 */
export function prepareSet(
  instance: Instance,
  wishes: ManagedWishes,
  { runId, proxyFor }: PrepareSetOptions,
): ManagedSet {
  const { vm, disks } = instance;
  const unknown = unknownLuns(disks, wishes);
  if (unknown.length > 0) {
    throw new FlashfreezeError(
      'FF_USAGE',
      `--include-lun or --exclude-lun: the VM has no disk with LUN ${unknown.join(', ')}; expected one of ${disks.map(({ lun }) => (lun < 0 ? 'os' : lun)).join(', ')}. Nothing was frozen`,
    );
  }
  const { chosen, leftOut } = selectDisks(disks, wishes);
  if (chosen.length === 0) {
    const reasons = leftOut.map(({ disk, because }) => `${labelOf(disk)}: ${because}`);
    throw new FlashfreezeError(
      'FF_DISK_UNSUPPORTED',
      `no snapshot can be taken of any managed disk of this VM; nothing was frozen.${reasons.map((it) => `\n  ${it}`).join('')}`,
    );
  }
  const manager = resourceManagerOf(vm.environment);
  const mark = markRun(runId);
  const host = { vm, host: hostname(), version: packageJson.version };
  const prepared = prepareDisks(chosen, {
    manager,
    vm,
    proxy: proxyFor(manager.origin),
    group: wishes.group,
    runId,
    nameOf: (disk) => snapshotName(wishes.namePrefix, vm, disk, mark),
    tagsOf: (disk, position, count) =>
      snapshotTags(mark, host, disk, { position, count }, wishes.tags),
  });
  return { instance, manager, chosen, leftOut, prepared };
}
