import { concatenated, type Piece, slice, striped } from './mapped-read.ts';
import type {
  LogicalVolume,
  LvmPart,
  LvmSegment,
  PhysicalVolume,
  VolumeGroup,
} from './volume-types.ts';
import type { Assembled, DiskProblem, FoundPart, Volume } from './volumes.ts';

type Found = FoundPart & { readonly part: LvmPart };

/**
 * Puts the physical volumes of volume groups together, and maps their logical volumes as far as these are linear or striped.
 * Pure.
 *
 * @param mayHide something was not looked into, where a physical volume may lie
 */
export function assembleGroups(parts: readonly FoundPart[], mayHide: boolean): Assembled {
  const found = parts.filter((it): it is Found => it.part.kind === 'lvm');
  const byUuid = new Map(found.map((it) => [it.part.pvUuid, it] as const));
  const copies = found.flatMap((it) => (it.part.group === undefined ? [] : [it.part.group]));
  const groups = [...Map.groupBy(copies, ({ uuid }) => uuid).values()].flatMap(
    (each) => each.toSorted((a, b) => b.seqno - a.seqno)[0] ?? [],
  );
  const assembled = groups.map((group) => assembleGroup(group, byUuid, mayHide));
  return {
    volumes: assembled.flatMap(({ volumes }) => volumes),
    problems: assembled.flatMap(({ problems }) => problems),
  };
}

function assembleGroup(
  group: VolumeGroup,
  byUuid: ReadonlyMap<string, Found>,
  mayHide: boolean,
): Assembled {
  const members = new Map(
    group.physicalVolumes.map((pv) => [pv.name, { pv, found: byUuid.get(pv.uuid) }] as const),
  );
  return {
    volumes: group.logicalVolumes.map((volume) => mapVolume(group, volume, members)),
    problems: [
      ...olderCopies(
        group,
        [...members.values()].flatMap(({ found }) => found ?? []),
      ),
      ...(mayHide ? [] : missingMembers(group, [...members.values()])),
    ],
  };
}

interface GroupMember {
  readonly pv: PhysicalVolume;
  readonly found: Found | undefined;
}

function missingMembers(group: VolumeGroup, members: readonly GroupMember[]): DiskProblem[] {
  const missing = members.filter(({ found }) => found === undefined);
  if (missing.length === 0) {
    return [];
  }
  const named = missing.map(({ pv }) => `${pv.uuid} (was ${pv.device})`).join(', ');
  return [
    {
      disks: [...new Set(members.flatMap(({ found }) => found?.disks ?? []))],
      text: `volume group ${group.name}: ${missing.length} of its ${members.length} physical volumes on no disk that was read: ${named}`,
    },
  ];
}

function olderCopies(group: VolumeGroup, found: readonly Found[]): DiskProblem[] {
  const newest = found.find(({ part }) => part.group?.seqno === group.seqno);
  return found.flatMap(({ part, disks, where }) =>
    part.group === undefined || part.group.seqno === group.seqno
      ? []
      : [
          {
            disks,
            text: `${where}: metadata of volume group ${group.name} with number ${part.group.seqno}, that on disk ${newest?.disks.join(', ')} has ${group.seqno}: the disks do not show one instant`,
          },
        ],
  );
}

function mapVolume(
  group: VolumeGroup,
  { name, segments }: LogicalVolume,
  members: ReadonlyMap<string, GroupMember>,
): Volume {
  const mapped = segments.map((segment) => ({
    segment,
    parts: stripesOf(group, segment, members),
  }));
  const found = mapped.flatMap(({ parts }) => parts ?? []);
  const disks = found.length === 0 ? [...members.values()] : found;
  const volume = {
    name: `logical volume ${group.name}/${name}`,
    disks: [...new Set(disks.flatMap((it) => it.found?.disks ?? []))],
    sizeBytes: segments.reduce((sum, it) => sum + it.extentCount, 0) * group.extentBytes,
  };
  const unmapped = mapped.find(({ parts }) => parts === undefined);
  if (unmapped !== undefined || !isGapless(segments)) {
    const type = unmapped?.segment.type ?? 'unknown';
    const why = `logical volume of type ${type}, or on a physical volume that is missing; what lies in it was not looked into`;
    return { ...volume, read: undefined, why };
  }
  const pieces = mapped.map(({ segment, parts = [] }) => pieceOf(group, segment, parts));
  return { ...volume, read: concatenated(pieces) };
}

function isGapless(segments: readonly LvmSegment[]): boolean {
  let next = 0;
  for (const { startExtent, extentCount } of segments) {
    if (startExtent !== next) {
      return false;
    }
    next += extentCount;
  }
  return next > 0;
}

interface Stripe {
  readonly found: Found;
  readonly offset: number;
}

/** Undefined if it is not of data alone, or if a physical volume is missing. */
function stripesOf(
  { extentBytes }: VolumeGroup,
  { stripes }: LvmSegment,
  members: ReadonlyMap<string, GroupMember>,
): Stripe[] | undefined {
  const parts = stripes.flatMap(({ pv, startExtent }) => {
    const member = members.get(pv);
    return member?.found === undefined
      ? []
      : [{ found: member.found, offset: member.pv.startBytes + startExtent * extentBytes }];
  });
  return parts.length === 0 || parts.length < stripes.length ? undefined : parts;
}

function pieceOf(
  { extentBytes }: VolumeGroup,
  { extentCount, stripeBytes }: LvmSegment,
  parts: readonly Stripe[],
): Piece {
  const sizeBytes = extentCount * extentBytes;
  const reads = parts.map(({ found, offset }) =>
    slice(found.read, offset, sizeBytes / parts.length),
  );
  const [only] = reads;
  return reads.length === 1 && only !== undefined
    ? { sizeBytes, read: only }
    : { sizeBytes, read: striped(reads, stripeBytes, sizeBytes) };
}
