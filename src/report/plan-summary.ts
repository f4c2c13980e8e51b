import { natureOfType } from '../filesystems/file-system-types.ts';
import type {
  Disk,
  Exclusion,
  ExclusionReason,
  FileSystem,
  Plan,
} from '../filesystems/plan-types.ts';
import type { ClockState } from '../system/clock-state.ts';
import type { OutputOf } from './schemas/described.ts';
import type { planSummarySchema } from './schemas/plan-summary.ts';

/** What `flashfreeze plan --json` prints. */
export type PlanSummary = OutputOf<typeof planSummarySchema>;
export type PlannedFileSystem = PlanSummary['fileSystems'][number];
type PlannedDisk = PlanSummary['disks'][number];
type PlannedExclusion = PlanSummary['excluded'][number];
export type PlannedBlob = PlanSummary['blobs'][number];
export type ExpectedWindow = PlanSummary['expectedWindow'];

/** Figures that are not part of the plan, in the order of the plan. */
export interface PlanFigures {
  readonly usedBytes: readonly (number | undefined)[];
  /** For `plan.disks`, then for `plan.otherDisks`. */
  readonly diskDirtyBytes: readonly (number | undefined)[];
  readonly dirtyBytes: number | undefined;
  /** Of the wall clock; undefined if nothing says it. */
  readonly clock: ClockState | undefined;
}

/** What the snapshots would be of. */
export type PlannedSet = Pick<PlanSummary, 'blobs' | 'managed'>;

export function summarizePlan(
  plan: Plan,
  figures: PlanFigures,
  set: PlannedSet,
  expectedWindow: ExpectedWindow,
): PlanSummary {
  const disks = [...plan.disks, ...(plan.otherDisks ?? [])];
  return {
    fileSystems: plan.fileSystems.map((fileSystem, index) =>
      plannedFileSystem(plan, fileSystem, index, figures.usedBytes[index]),
    ),
    disks: disks.map((disk, index) =>
      plannedDisk(disk, index < plan.disks.length, figures.diskDirtyBytes[index]),
    ),
    excluded: plan.excluded.map(plannedExclusion),
    ...set,
    dirtyBytes: figures.dirtyBytes ?? null,
    clock: figures.clock ?? null,
    expectedWindow,
    warnings: plan.warnings ?? [],
  };
}

function plannedFileSystem(
  { fileSystems, waves, thawsAfter }: Plan,
  { mountPoint, type, source, disks }: FileSystem,
  index: number,
  usedBytes: number | undefined,
): PlannedFileSystem {
  return {
    mountPoint,
    type,
    source,
    disks,
    wave: waves.findIndex((wave) => wave.includes(index)) + 1,
    thawsAfter: (thawsAfter[index] ?? []).flatMap((it) => fileSystems[it]?.mountPoint ?? []),
    usedBytes: usedBytes ?? null,
  };
}

function plannedDisk(
  { path, lun, role, sizeBytes }: Disk,
  frozen: boolean,
  dirtyBytes: number | undefined,
): PlannedDisk {
  return {
    device: path,
    lun: lun ?? null,
    role: role ?? null,
    sizeBytes,
    dirtyBytes: dirtyBytes ?? null,
    frozen,
  };
}

function plannedExclusion({ mountPoint, type, reason }: Exclusion): PlannedExclusion {
  const because = isInMemory(type) ? 'in memory, not on a disk' : BECAUSE[reason];
  return { mountPoint, type, reason, because };
}

/** True for the file systems of which every machine has dozens and that do not belong in a snapshot. */
export function isUnremarkable({ type, reason }: PlannedExclusion): boolean {
  return reason === 'pseudo' || isInMemory(type);
}

function isInMemory(type: string): boolean {
  return natureOfType(type) === 'memory';
}

const BECAUSE: Readonly<Record<ExclusionReason, string>> = {
  'read-only': 'read-only: nothing can change on it',
  network: 'network file system: its server holds the data',
  pseudo: 'virtual file system of the kernel, without data',
  'temporary-disk': 'on the temporary disk, which is not snapshotted',
  skipped: 'named by --skip or MountsToSkip',
  'not-selected': 'not named by --mount',
  'not-freezable': 'of a type that the kernel cannot freeze',
  'no-block-device': 'the kernel shows no block device under it',
  hidden: 'other mounts cover all its mount points',
  'other-namespace': 'mounted only in other mount namespaces',
  'no-mount': 'the kernel has it, but no mount of it is visible',
  dead: 'shut down or made read-only by the kernel after an error',
  'not-openable': 'none of its mount points can be opened',
  'no-answer': 'does not answer when its mount point is opened',
};
