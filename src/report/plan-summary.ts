import { natureOfType } from '../filesystems/file-system-types.ts';
import type {
  Disk,
  Exclusion,
  ExclusionReason,
  FileSystem,
  Plan,
} from '../filesystems/plan-types.ts';
import type { OutputOf } from './schemas/described.ts';
import type { planSummarySchema } from './schemas/plan-summary.ts';

/** What `flashfreeze plan --json` prints. */
export type PlanSummary = OutputOf<typeof planSummarySchema>;
export type PlannedFileSystem = PlanSummary['fileSystems'][number];
type PlannedDisk = PlanSummary['disks'][number];
type PlannedExclusion = PlanSummary['excluded'][number];
export type PlannedBlob = PlanSummary['blobs'][number];
export type ExpectedWindow = PlanSummary['expectedWindow'];

/** What was read beside the plan, in the plan's order. */
export interface PlanFigures {
  readonly usedBytes: readonly (number | undefined)[];
  /** Of `plan.disks`, then `plan.otherDisks`. */
  readonly diskDirtyBytes: readonly (number | undefined)[];
  readonly dirtyBytes: number | undefined;
}

export function summarizePlan(
  plan: Plan,
  figures: PlanFigures,
  blobs: readonly PlannedBlob[],
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
    blobs,
    dirtyBytes: figures.dirtyBytes ?? null,
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
  const because = isInMemory(type) ? 'in memory, on no disk' : BECAUSE[reason];
  return { mountPoint, type, reason, because };
}

/** Of these every machine has some dozens, and nobody expects them in a snapshot. */
export function isUnremarkable({ type, reason }: PlannedExclusion): boolean {
  return reason === 'pseudo' || isInMemory(type);
}

function isInMemory(type: string): boolean {
  return natureOfType(type) === 'memory';
}

const BECAUSE: Readonly<Record<ExclusionReason, string>> = {
  'read-only': 'read-only: nothing can change on it',
  network: 'a network file system: its server holds the data',
  pseudo: 'the kernel’s own, without data',
  'temporary-disk': 'on the temporary disk, which no snapshot is taken of',
  skipped: 'named by --skip or MountsToSkip',
  'not-selected': 'not named by --mount',
  'not-freezable': 'of a type that the kernel cannot freeze',
  'no-block-device': 'no block device under it is shown',
  hidden: 'another mount lies over every mount point of it',
  'other-namespace': 'mounted in other mount namespaces only',
  'no-answer': 'does not answer when its mount point is opened',
};
