import { closeSync, constants, openSync } from 'node:fs';
import type { FileSystem } from '../../filesystems/model.ts';
import { readMounts } from '../../filesystems/read-plan.ts';
import { superblocksOf } from '../../freezer/superblock.ts';

/** A part of a database, by the file or directory that holds it. */
export interface DatabasePart {
  /** For people: `data directory`, `WAL`, … */
  readonly what: string;
  readonly path: string;
}

/** Where a part lies. */
export interface PlacedPart extends DatabasePart {
  /** `major:minor`; undefined where the path cannot be opened. */
  readonly device: string | undefined;
  /** The file system of the plan that holds it; undefined where it lies elsewhere. */
  readonly fileSystem: FileSystem | undefined;
  /** Where its file system is mounted; undefined where that is not known. */
  readonly mountPoint: string | undefined;
}

const { O_RDONLY, O_NONBLOCK } = constants;

/** Finds the file system behind each part. */
export async function placeParts(
  parts: readonly DatabasePart[],
  fileSystems: readonly FileSystem[],
): Promise<PlacedPart[]> {
  const { mounts } = await readMounts();
  return parts.map((part) => {
    const device = deviceBehind(part.path);
    const fileSystem = fileSystems.find((it) => it.device === device);
    const { mountPoint } = fileSystem ?? mounts.find((it) => it.device === device) ?? {};
    return { ...part, device, fileSystem, mountPoint };
  });
}

function deviceBehind(path: string): string | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, O_RDONLY | O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    return superblocksOf([descriptor])[0];
  } finally {
    closeSync(descriptor);
  }
}

export interface Coverage {
  readonly freezes: boolean;
  readonly isSnapshotted: (fileSystem: FileSystem) => boolean;
}

/**
 * The parts that the snapshots do not show at the common instant. With a freeze: those on file systems that
 * are not frozen, or not snapshotted. Without one nothing shows a common instant but a single disk: then
 * all of them, unless they lie together on one.
 */
export function partsOutside(
  parts: readonly PlacedPart[],
  { freezes, isSnapshotted }: Coverage,
): PlacedPart[] {
  if (!freezes) {
    return lieOnOneDisk(parts) ? [] : [...parts];
  }
  return parts.filter(({ fileSystem }) => fileSystem === undefined || !isSnapshotted(fileSystem));
}

function lieOnOneDisk(parts: readonly PlacedPart[]): boolean {
  const [first] = parts;
  return (
    first?.device !== undefined &&
    parts.every(({ device }) => device === first.device) &&
    (first.fileSystem?.disks ?? ['one']).length === 1
  );
}

/** What lies where, as a sentence for people. */
export function describeParts(
  parts: readonly PlacedPart[],
  outside: readonly PlacedPart[],
): string {
  return parts
    .map((part) => {
      const place = part.mountPoint ?? `device ${part.device ?? 'unknown'}`;
      const suffix = outside.includes(part) ? ', which is not frozen and snapshotted with it' : '';
      return `${part.what} ${part.path} lies on ${place}${suffix}`;
    })
    .join('; ');
}
