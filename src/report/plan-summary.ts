import { natureOfType } from '../filesystems/file-system-types.ts';
import type { Disk, Exclusion, ExclusionReason, FileSystem, Plan } from '../filesystems/model.ts';

/** What `flashfreeze plan --json` prints: stable, without secrets. Sizes are bytes, times milliseconds. */
export interface PlanSummary {
  readonly fileSystems: readonly PlannedFileSystem[];
  readonly disks: readonly PlannedDisk[];
  readonly excluded: readonly PlannedExclusion[];
  readonly blobs: readonly PlannedBlob[];
  /** Not written yet, of the whole machine; settling writes it before the freeze. */
  readonly dirtyBytes: number | null;
  readonly expectedWindow: ExpectedWindow;
  readonly warnings: readonly string[];
}

export interface PlannedFileSystem {
  readonly mountPoint: string;
  readonly type: string;
  readonly source: string;
  readonly disks: readonly string[];
  /** From 1; what is in one wave is frozen at the same time, one wave after the other. */
  readonly wave: number;
  /** Mount points that are thawed before it. */
  readonly thawsAfter: readonly string[];
  readonly usedBytes: number | null;
}

export interface PlannedDisk {
  readonly device: string;
  readonly lun: number | null;
  readonly role: string | null;
  readonly sizeBytes: number;
  readonly dirtyBytes: number | null;
  /** False for a disk on which nothing is frozen. */
  readonly frozen: boolean;
}

export interface PlannedExclusion {
  readonly mountPoint: string;
  readonly type: string;
  readonly reason: ExclusionReason;
  readonly because: string;
}

export interface PlannedBlob {
  /** URL without its query. */
  readonly blob: string;
  /** Null where no disk of this machine could be matched. */
  readonly device: string | null;
  readonly because: string;
}

export interface ExpectedWindow {
  readonly low: number;
  readonly high: number;
  readonly reasons: readonly string[];
}

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
