import { pathOfDisk } from '../filesystems/disks.ts';
import { isPooled } from '../filesystems/exclusions.ts';
import { type Disk, OS_DISK_LUN } from '../filesystems/plan-types.ts';
import type { FileSystemName, StorageNames } from '../filesystems/storage-names.ts';
import type { Manifest } from '../restore-points/restore-point.ts';
import type { Preflight } from '../snapshot/snapshot-types.ts';
import { lunOf } from './memberships.ts';
import type { Outcome } from './outcome.ts';
import type { NamedTarget } from './provider.ts';
import type { BackupRecord, TargetRecord } from './record.ts';

/** What a manifest says of the run beside its record. */
export type ManifestRun = Pick<Manifest, 'id' | 'origin' | 'host' | 'vm' | 'version' | 'startedAt'>;

/** What is known beside the record. */
export interface ManifestFacts {
  readonly run: ManifestRun;
  readonly names: StorageNames;
  readonly targets: readonly Pick<NamedTarget, 'disk'>[];
  /** By target. */
  readonly preflights: readonly Preflight[];
  readonly outcome: Pick<Outcome, 'consistency' | 'isRestorable' | 'problems' | 'diskIsConsistent'>;
}

type ManifestDisk = Manifest['disks'][number];
type ManifestFileSystem = Manifest['fileSystems'][number];

/** The manifest of a run that has ended. Pure, apart from what the names read. */
export function manifestOf(record: BackupRecord, facts: ManifestFacts): Manifest {
  const { run, outcome } = facts;
  const disks = record.disks.map((disk, index) => diskOf(record, facts, disk, index));
  return {
    format: 'flashfreeze restore point',
    formatVersion: 1,
    ...run,
    barrier: record.barrier?.wallClock.toISOString() ?? null,
    consistency: outcome.consistency,
    restorable: outcome.isRestorable,
    problems: outcome.problems,
    disks,
    fileSystems: [...frozenOnes(record, facts, disks), ...otherOnes(record, facts, disks)],
  };
}

function diskOf(
  record: BackupRecord,
  { names, targets, preflights, outcome }: ManifestFacts,
  target: TargetRecord,
  index: number,
): ManifestDisk {
  const { answer, device, blob } = target;
  const disk = planDisk(record, device);
  const preflight = preflights[answer.target];
  const sizeRead = preflight?.ok === true ? preflight.sizeBytes : undefined;
  const asked = answer.disk ?? targets[answer.target]?.disk;
  const lun = asked?.lun ?? (disk === undefined ? undefined : lunOf(disk));
  return {
    position: index + 1,
    device: device ?? null,
    lun: lun === OS_DISK_LUN ? 'os' : (lun ?? null),
    sizeBytes: sizeRead ?? disk?.sizeBytes ?? null,
    source: blob,
    snapshot: answer.snapshot ?? null,
    showsInstant: outcome.diskIsConsistent[index] ?? false,
    volumes: disk === undefined ? [] : names.volumesOn(disk.name),
  };
}

function planDisk({ plan }: BackupRecord, device: string | undefined): Disk | undefined {
  return [...plan.disks, ...(plan.otherDisks ?? [])].find(
    ({ name }) => pathOfDisk(name) === device,
  );
}

function frozenOnes(
  record: BackupRecord,
  facts: ManifestFacts,
  disks: readonly ManifestDisk[],
): ManifestFileSystem[] {
  return record.plan.fileSystems.map((it, index) => {
    const times = record.fileSystems[index];
    return {
      mountPoints: it.mountPoints,
      type: it.type,
      ...namesIn(record, facts, it),
      source: it.source,
      disks: positionsOf(it.disks, disks),
      wasFrozen: record.barrier !== undefined && times?.wasFrozen === true,
    };
  });
}

/** Those that were left out, but lie on a disk of the restore point, or may lie on any. */
function otherOnes(
  record: BackupRecord,
  facts: ManifestFacts,
  disks: readonly ManifestDisk[],
): ManifestFileSystem[] {
  return record.plan.excluded.flatMap((it): ManifestFileSystem[] => {
    const positions = positionsOf(it.disks, disks);
    const name = facts.names.nameOf(it.device);
    const source = name === undefined ? '' : pathOfDisk(name);
    const mayLieAnywhere = it.disks.length === 0 && it.isWritable && isPooled(it.type);
    return positions.length === 0 && !mayLieAnywhere
      ? []
      : [
          {
            mountPoints: [it.mountPoint],
            type: it.type,
            ...namesIn(record, facts, { ...it, source }),
            source,
            disks: positions,
            wasFrozen: false,
          },
        ];
  });
}

function positionsOf(names: readonly string[], disks: readonly ManifestDisk[]): number[] {
  const paths = names.map(pathOfDisk);
  return disks.flatMap(({ device, position }) =>
    device !== null && paths.includes(device) ? [position] : [],
  );
}

function namesIn(
  record: BackupRecord,
  { names, preflights }: ManifestFacts,
  it: Pick<BackupRecord['plan']['fileSystems'][number], 'device' | 'source' | 'disks'>,
): Pick<ManifestFileSystem, 'uuid' | 'label'> {
  const shown = names.fileSystem(it.device, it.source);
  const { uuid, label } = shown.uuid === undefined ? inHead(record, preflights, it) : shown;
  return { uuid: uuid ?? null, label: label ?? null };
}

/** A file system on a bare disk has its superblock in what was read of the disk's blob. */
function inHead(
  { disks }: BackupRecord,
  preflights: readonly Preflight[],
  it: Pick<BackupRecord['plan']['fileSystems'][number], 'source' | 'disks'>,
): FileSystemName {
  const own = disks.find(({ device }) => device !== undefined && device === it.source);
  const preflight = own === undefined ? undefined : preflights[own.answer.target];
  return preflight?.ok === true && it.disks.length === 1
    ? preflight.head.fileSystem
    : { uuid: undefined, label: undefined };
}
