import { closeSync, constants, openSync } from 'node:fs';
import { natureOfType, type TypeNature } from '../../filesystems/file-system-types.ts';
import type { FileSystem } from '../../filesystems/plan-types.ts';
import { readMounts, readPlan } from '../../filesystems/read-plan.ts';
import { superblocksOf } from '../../freezer/opened-mounts.ts';
import type { Mount } from '../../system/mountinfo.ts';
import type { QuiesceCircumstances } from '../quiesce-types.ts';

/** A part of a database, by the file or directory that holds it. */
export interface DatabasePart {
  /** For people: `data directory`, `WAL`, … */
  readonly what: string;
  /** As the server sees it. */
  readonly path: string;
  /** `major:minor` of what the server alone sees there; missing: what this process sees there. */
  readonly device?: string;
}

/** Where a part lies. */
export interface PlacedPart extends Omit<DatabasePart, 'device'> {
  /** `major:minor`; undefined if the path cannot be opened. */
  readonly device: string | undefined;
  /** The file system of the plan that holds it; undefined if it lies elsewhere. */
  readonly fileSystem: FileSystem | undefined;
  /** Where its file system is mounted; undefined if that is not known. */
  readonly mountPoint: string | undefined;
}

const { O_RDONLY, O_NONBLOCK } = constants;

/**
 * Finds the file system behind each part, and behind what is mounted below it: of those that are frozen; if none is frozen,
 * of all that lie on disks.
 *
 * @param ofServer what is mounted for the server, if it has a mount namespace of its own
 */
export async function placeParts(
  parts: readonly DatabasePart[],
  { fileSystems: planned, freezes }: Pick<QuiesceCircumstances, 'fileSystems' | 'freezes'>,
  ofServer: readonly Mount[] = [],
): Promise<PlacedPart[]> {
  const { mounts } = await readMounts();
  const fileSystems = freezes ? planned : [...planned, ...(await fileSystemsOnDisks())];
  const all = [...withMountsBelow(parts, mounts), ...seenByServer(parts, ofServer)];
  return all.map((part) => {
    const device = part.device ?? deviceBehind(part.path);
    const fileSystem = fileSystems.find((it) => it.device === device);
    const { mountPoint } = fileSystem ?? mounts.find((it) => it.device === device) ?? {};
    return { ...part, device, fileSystem, mountPoint };
  });
}

/** Their files do not survive a restart, so that no database depends on them. */
const WITHOUT_STORAGE: ReadonlySet<TypeNature> = new Set(['memory', 'pseudo']);

/** What a server with a mount namespace of its own finds at the places of its parts, and below them. Pure. */
export function seenByServer(
  parts: readonly DatabasePart[],
  mounts: readonly Pick<Mount, 'mountPoint' | 'type' | 'device'>[],
): DatabasePart[] {
  return mounts.flatMap(({ mountPoint, type, device }) => {
    const part = parts.find(({ path }) => mountPoint === path || mountPoint.startsWith(`${path}/`));
    return part === undefined || WITHOUT_STORAGE.has(natureOfType(type))
      ? []
      : [{ what: `what the server has mounted at ${part.what}`, path: mountPoint, device }];
  });
}

/** The parts, and the file systems that are mounted below them: their files are the database's too. Pure. */
export function withMountsBelow(
  parts: readonly DatabasePart[],
  mounts: readonly Pick<Mount, 'mountPoint' | 'type'>[],
): DatabasePart[] {
  const known = new Set(parts.map(({ path }) => path));
  const below = mounts.flatMap(({ mountPoint, type }) => {
    const above = parts.find(({ path }) => mountPoint.startsWith(`${path}/`));
    if (above === undefined || known.has(mountPoint) || WITHOUT_STORAGE.has(natureOfType(type))) {
      return [];
    }
    known.add(mountPoint);
    return [{ what: `a file system below ${above.what}`, path: mountPoint }];
  });
  return [...parts, ...below];
}

async function fileSystemsOnDisks(): Promise<readonly FileSystem[]> {
  try {
    return (await readPlan({ include: [], skip: [] })).fileSystems;
  } catch {
    // There are none, or none can be told.
    return [];
  }
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

export type Coverage = Pick<QuiesceCircumstances, 'freezes' | 'isSnapshotted'>;

/**
 * The parts that the snapshots do not show at the common instant. With a freeze: those on file systems that
 * are not frozen, or not snapshotted. Without one nothing shows a common instant but a single disk: then
 * all of them, unless they lie together on one that is snapshotted.
 */
export function partsOutside(
  parts: readonly PlacedPart[],
  { freezes, isSnapshotted }: Coverage,
): PlacedPart[] {
  const isMissing = ({ fileSystem }: PlacedPart): boolean =>
    fileSystem === undefined || !isSnapshotted(fileSystem);
  if (!freezes) {
    return lieOnOneDisk(parts) ? parts.filter(isMissing) : [...parts];
  }
  return parts.filter(isMissing);
}

/**
 * The parts that no snapshot holds whole, whenever it is taken: for a database whose backup mode makes good that
 * they show different instants. A file system over several disks must be frozen even then.
 */
export function partsWithoutSnapshot(
  parts: readonly PlacedPart[],
  { freezes, isSnapshotted }: Coverage,
): PlacedPart[] {
  return parts.filter(
    ({ fileSystem }) =>
      fileSystem === undefined ||
      !isSnapshotted(fileSystem) ||
      !(freezes || fileSystem.disks.length === 1),
  );
}

function lieOnOneDisk(parts: readonly PlacedPart[]): boolean {
  const disks = parts.map(({ fileSystem }) => fileSystem?.disks.join() ?? '');
  return new Set(disks).size === 1 && parts[0]?.fileSystem?.disks.length === 1;
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
