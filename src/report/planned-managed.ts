import type { ManagedDiskLook, ManagedLook } from '../backup/look-at-managed.ts';
import { limitOfKind } from '../snapshot/managed/disk-limits.ts';
import type { VmDisk } from '../snapshot/managed/instance-metadata.ts';
import { snapshotId } from '../snapshot/managed/prepared-disk.ts';
import type { DiskLeftOut } from '../snapshot/managed/select-disks.ts';
import type { PlanSummary } from './plan-summary.ts';

export type PlannedManaged = NonNullable<PlanSummary['managed']>;
type PlannedManagedDisk = PlannedManaged['disks'][number];

/** What `snapshot --managed` would do with the disks of the VM. Pure. */
export function planManaged({
  set,
  disks,
  withoutSnapshot,
  isWhole,
}: Pick<ManagedLook, 'set' | 'disks' | 'withoutSnapshot' | 'isWhole'>): PlannedManaged {
  const planned = [
    ...disks.map((look, index) => {
      const prepared = set.prepared[index];
      const id = prepared === undefined ? undefined : snapshotId(prepared, 0).text;
      return plannedDisk(look, id === undefined ? null : namePattern(id));
    }),
    ...set.leftOut.map(plannedLeftOut),
  ];
  return {
    vm: set.instance.vm.name,
    disks: planned.sort((a, b) => (a.lun ?? -1) - (b.lun ?? -1)),
    withoutSnapshot,
    isWhole,
  };
}

/** The part of a snapshot's name that differs from run to run: its time and a short id. */
const OF_THE_RUN = /\d{8}T\d{6}Z-[0-9a-f]{8}$/;

export function namePattern(id: string): string {
  return id.replace(OF_THE_RUN, '<time>-<id>');
}

function plannedDisk(
  { disk, id, device, sizeBytes, problem }: ManagedDiskLook,
  snapshot: string | null,
): PlannedManagedDisk {
  return {
    ...commonOf(disk),
    id: id.text,
    sizeBytes: sizeBytes ?? null,
    device: device?.path ?? null,
    decision: problem === undefined ? 'taken' : 'refused',
    because: problem ?? limitOfKind(disk) ?? null,
    snapshot: problem === undefined ? snapshot : null,
  };
}

function plannedLeftOut({ disk, because, isWanted }: DiskLeftOut): PlannedManagedDisk {
  return {
    ...commonOf(disk),
    id: disk.id?.text ?? null,
    sizeBytes: null,
    device: null,
    decision: isWanted ? 'left-out' : 'unsupported',
    because,
    snapshot: null,
  };
}

function commonOf({
  name,
  kind,
  lun,
  sku,
}: VmDisk): Pick<PlannedManagedDisk, 'lun' | 'role' | 'name' | 'sku'> {
  return { lun: kind === 'os' ? null : lun, role: kind, name, sku: sku === '' ? null : sku };
}
