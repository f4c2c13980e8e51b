import { FlashfreezeError } from '../errors.ts';
import type { RestorePoint } from '../restore-points/restore-point.ts';
import { inParallel } from '../system/in-parallel.ts';
import { assembleGroups } from './assemble-lvm.ts';
import { assembleArrays } from './assemble-md.ts';
import { btrfsDevices, judgeBtrfsSets } from './btrfs-set.ts';
import { readHeads } from './head-check.ts';
import type { Head, Judgement } from './head-types.ts';
import { faultsOf, missingInSet } from './judge-disk.ts';
import { slice } from './mapped-read.ts';
import type { OpenSnapshot, SnapshotOpener, VerifiedDisk } from './verify-point.ts';
import type { VolumePart } from './volume-types.ts';
import { type Assembled, describePart, type FoundPart, type Volume } from './volumes.ts';

/** Arrays of arrays of arrays are not looked into. */
const MOST_DEPTH = 3;
/** Snapshots that are opened at the same time. */
const AT_ONCE = 8;

/**
 * Puts LVM volume groups and md arrays together out of all disks of a restore point and reads the heads of what lies in them;
 * compares the devices of each btrfs.
 * The result has them among the heads of the disk that holds their first byte, and what is wrong with them among the problems
 * of each disk that they lie on.
 *
 * @param disks as `verifyPoint` returned them
 * @param open called once more for each disk that holds a part of a volume
 */
export async function withVolumes(
  disks: readonly VerifiedDisk[],
  manifest: RestorePoint['manifest'],
  open: SnapshotOpener,
): Promise<VerifiedDisk[]> {
  const set = new VolumeSet(disks);
  const opened = await inParallel(disks.filter(hasParts), AT_ONCE, (disk) => openDisk(disk, open));
  try {
    let parts: FoundPart[] = [];
    for (const it of opened) {
      if (it.snapshot === undefined) {
        set.hide(it.disk.member.membership.position, it.problems);
      }
      parts.push(...partsOn(it));
    }
    const groupParts: FoundPart[] = [];
    for (let depth = 0; parts.length > 0 && depth < MOST_DEPTH; depth += 1) {
      groupParts.push(...parts.filter(({ part }) => part.kind === 'lvm'));
      parts = await set.add(parts, assembleArrays(parts, set.mayHide));
    }
    await set.add(groupParts, assembleGroups(groupParts, set.mayHide));
  } finally {
    for (const { snapshot, disk } of opened) {
      set.warn(disk.member.membership.position, await snapshot?.close());
    }
  }
  return set.result(manifest);
}

interface OpenDisk {
  readonly disk: VerifiedDisk;
  readonly snapshot: OpenSnapshot | undefined;
  readonly problems: readonly string[];
}

function hasParts({ heads }: VerifiedDisk): boolean {
  return heads.some(({ part }) => part !== undefined);
}

async function openDisk(disk: VerifiedDisk, open: SnapshotOpener): Promise<OpenDisk> {
  try {
    return { disk, snapshot: await open(disk.member), problems: [] };
  } catch (error) {
    const reason = error instanceof FlashfreezeError ? ` (${error.message})` : '';
    const problems = [`the volumes on it could not be read${reason}`];
    return { disk, snapshot: undefined, problems };
  }
}

function partsOn({ disk: { member, heads }, snapshot }: OpenDisk): FoundPart[] {
  const disks = [member.membership.position];
  return heads.flatMap(({ part, where, offset, sizeBytes }) =>
    part === undefined || snapshot === undefined
      ? []
      : [{ part, where, disks, read: slice(snapshot.read, offset, sizeBytes) }],
  );
}

/** Kinds of heads that hide what is in them. */
const HIDING: readonly Head['kind'][] = ['luks', 'extended', 'gpt', 'unknown'];

class VolumeSet {
  readonly #disks: readonly VerifiedDisk[];
  readonly #heads = new Map<number, Head[]>();
  readonly #problems = new Map<number, string[]>();
  readonly #warnings = new Map<number, string>();
  readonly #read = new Set<VolumePart>();
  /** Positions of disks of which something was not looked into. */
  readonly #hiding = new Set<number>();

  constructor(disks: readonly VerifiedDisk[]) {
    this.#disks = disks;
    for (const { member, heads } of disks) {
      const isHiding = heads.some(
        ({ kind, part }) =>
          HIDING.includes(kind) || ((kind === 'lvm' || kind === 'md') && part === undefined),
      );
      if (isHiding || heads.length === 0) {
        this.#hiding.add(member.membership.position);
      }
    }
  }

  /** A part of a volume may lie in something that was not looked into. */
  get mayHide(): boolean {
    return this.#hiding.size > 0;
  }

  /**
   * Reads the heads of volumes.
   *
   * @param from the parts that they were put together of
   * @returns the parts of further volumes that lie in them
   */
  async add(from: readonly FoundPart[], { volumes, problems }: Assembled): Promise<FoundPart[]> {
    for (const { part } of from) {
      this.#read.add(part);
    }
    for (const { disks, text } of problems) {
      this.#tell(disks, [text]);
    }
    const parts: FoundPart[] = [];
    for (const volume of volumes) {
      const heads = await headsOf(volume).catch(() => undefined);
      if (heads === undefined) {
        this.#tell(volume.disks, [`${volume.name}: could not be read`]);
        continue;
      }
      this.#tell(volume.disks, faultsOf(heads));
      const [first = 0] = volume.disks;
      this.#heads.set(first, [...(this.#heads.get(first) ?? []), ...heads]);
      if (heads.some(({ kind }) => HIDING.includes(kind))) {
        for (const disk of volume.disks) {
          this.#hiding.add(disk);
        }
      }
      parts.push(...partsIn(volume, heads));
    }
    return parts;
  }

  /** Something on this disk could not be looked into. */
  hide(disk: number, problems: readonly string[]): void {
    this.#hiding.add(disk);
    this.#tell([disk], problems);
  }

  warn(disk: number, warning: string | undefined): void {
    if (warning !== undefined) {
      this.#warnings.set(disk, warning);
    }
  }

  result(manifest: RestorePoint['manifest']): VerifiedDisk[] {
    const unproved = this.#judgeBtrfs();
    const disks = this.#disks.map(({ member, problems, warning, ...disk }) => {
      const { position } = member.membership;
      return {
        member,
        heads: this.#headsOn({ member, ...disk }).map((head) =>
          head.part !== undefined && this.#read.has(head.part)
            ? { ...head, state: 'clean' as const, detail: describePart(head.part) }
            : unproved.has(head)
              ? { ...head, ...MAY_BE_HIDDEN }
              : head,
        ),
        problems: [...problems, ...(this.#problems.get(position) ?? [])],
        warning: warning ?? this.#warnings.get(position),
      };
    });
    const missing = missingInSet(disks, manifest, this.#hiding);
    return disks.map((disk) => ({
      ...disk,
      problems: [...disk.problems, ...(missing.get(disk.member.membership.position) ?? [])],
    }));
  }

  /** @returns heads that were not judged, because a device may lie in what was not looked into */
  #judgeBtrfs(): ReadonlySet<Head> {
    const found = btrfsDevices(
      this.#disks.map((disk) => ({
        position: disk.member.membership.position,
        heads: this.#headsOn(disk),
      })),
    );
    const { problems, unproved } = judgeBtrfsSets(found, this.mayHide);
    for (const { disks, text } of problems) {
      this.#tell(disks, [text]);
    }
    return unproved;
  }

  #headsOn({ member, heads }: Pick<VerifiedDisk, 'member' | 'heads'>): readonly Head[] {
    return [...heads, ...(this.#heads.get(member.membership.position) ?? [])];
  }

  #tell(disks: readonly number[], texts: readonly string[]): void {
    for (const disk of disks) {
      this.#problems.set(disk, [...(this.#problems.get(disk) ?? []), ...texts]);
    }
  }
}

const MAY_BE_HIDDEN: Judgement = {
  state: 'notLookedInto',
  detail: 'a device of it was not found; it may lie in something that was not looked into',
};

function partsIn({ read, disks }: Volume, heads: readonly Head[]): FoundPart[] {
  return heads.flatMap(({ part, where, offset, sizeBytes }) =>
    part === undefined || read === undefined
      ? []
      : [{ part, disks, where, read: slice(read, offset, sizeBytes) }],
  );
}

async function headsOf({ name, disks, sizeBytes, read, why = '' }: Volume): Promise<Head[]> {
  if (read === undefined) {
    const head = { where: name, offset: 0, sizeBytes, kind: 'unknown', uuid: undefined } as const;
    return [{ ...head, state: 'notLookedInto', detail: why }];
  }
  const { heads } = await readHeads(read, sizeBytes);
  const others = disks.length > 1 ? `; it lies on disks ${disks.join(', ')}` : '';
  return heads.map((head) => ({
    ...head,
    where: head.where === 'whole disk' ? name : `${name}, ${head.where}`,
    detail: `${head.detail}${others}`,
  }));
}
