import { blobKey } from '../snapshot/blob/blob-place.ts';
import { type Machine, machineOf, mayBeOneMachine } from './machine.ts';
import { type Membership, membershipIn } from './membership.ts';
import { mayBeOfOneRun } from './own-members.ts';
import type { Doubt, Manifest, StoredMember } from './restore-point.ts';

/** What is put together to one restore point, before it is known what contradicts it. */
export interface PartsOfPoint {
  readonly id: string;
  readonly machine: Machine | undefined;
  readonly members: readonly StoredMember[];
  readonly manifests: readonly Manifest[];
}

/** A contradiction, and the restore point that it is about. */
interface Contradiction {
  readonly doubt: Doubt;
  readonly id: string;
  readonly machine: Machine;
}

/**
 * Finds what manifests and snapshots say that cannot all be true. Who may create blobs in a container can write manifests of any
 * machine into it, so a contradiction is no evidence for either side. Pure.
 *
 * @param members all that were found, those that a manifest names with the membership that it gives them
 * @returns what contradicts the parts of a restore point; undefined: nothing
 */
export function contradictionsIn(
  members: readonly StoredMember[],
  manifests: readonly Manifest[],
): (parts: PartsOfPoint) => Doubt | undefined {
  const sharing = sharingManifests(manifests);
  const found = Map.groupBy(contradictionsOfMembers(members), ({ id }) => id);
  return ({ id, machine, members: own, manifests: its }) => {
    if (doManifestsDiffer(its)) {
      return 'manifestsDiffer';
    }
    if (its.some((it) => sharing.has(it))) {
      return 'namedByAnother';
    }
    const about = found
      .get(id)
      ?.find((it) => machine === undefined || mayBeOneMachine(it.machine, machine));
    return about?.doubt ?? (its.length === 0 && doCountsDiffer(own) ? 'countsDiffer' : undefined);
  };
}

/** Those that name a snapshot that the manifest of another restore point names, too. */
function sharingManifests(manifests: readonly Manifest[]): ReadonlySet<Manifest> {
  const namingOf = new Map<string, Manifest[]>();
  for (const manifest of manifests) {
    for (const { source, snapshot } of manifest.disks) {
      if (snapshot !== null) {
        const key = snapshotKey(source, snapshot);
        namingOf.set(key, [...(namingOf.get(key) ?? []), manifest]);
      }
    }
  }
  const shared = [...namingOf.values()].filter(
    (naming) => new Set(naming.map((it) => `${machineOf(it)} ${it.id}`)).size > 1,
  );
  return new Set(shared.flat());
}

/** What two texts about snapshots of blobs have in common if they name one snapshot. For comparisons only. Pure. */
export function snapshotKey(source: string, snapshot: string): string {
  return `${blobKey(source)} ${snapshot}`;
}

/**
 * Copies of one manifest say the same. Of those that all say that nothing can be restored, e.g. of tries of one task, no other word
 * matters.
 */
function doManifestsDiffer(manifests: readonly Manifest[]): boolean {
  const isAnyRestorable = manifests.some(({ restorable }) => restorable);
  const said = manifests.map((it) => (isAnyRestorable ? whatMatters(it) : machineIn(it)));
  return new Set(said).size > 1;
}

function whatMatters(manifest: Manifest): string {
  const { restorable, consistency, barrier, disks } = manifest;
  const named = disks
    .toSorted((a, b) => a.position - b.position)
    .map(({ position, source, snapshot, showsInstant }) => [
      position,
      snapshotKey(source, snapshot ?? ''),
      showsInstant,
    ]);
  return JSON.stringify([machineIn(manifest), restorable, consistency, barrier, named]);
}

function machineIn({ host, vm }: Machine): string {
  return `${host} ${vm ?? ''}`.toLowerCase();
}

/** A manifest names a snapshot that says itself that it belongs to another restore point, or to another machine. */
function contradictionsOfMembers(members: readonly StoredMember[]): Contradiction[] {
  const said = members.flatMap((member) => {
    const own = membershipIn(member.values);
    return own === undefined ? [] : [{ member, own }];
  });
  const isInherited = inheritanceAmong(said);
  return said
    .filter((it) => !agrees(it.own, it.member.membership) && !isInherited(it))
    .flatMap(({ member: { membership }, own }): Contradiction[] => [
      { doubt: 'namesAnothers', id: membership.restorePoint, machine: membership },
      { doubt: 'namedByAnother', id: own.restorePoint, machine: own },
    ]);
}

/** Whether both are of one run on one machine. Pure. */
export function agrees(own: Membership, membership: Membership): boolean {
  return own.restorePoint === membership.restorePoint && mayBeOneMachine(own, membership);
}

interface Said {
  readonly member: StoredMember;
  /** What its own metadata say. */
  readonly own: Membership;
}

/**
 * A snapshot that is so much younger than another one of the run that its metadata name inherited them from its blob, onto which the other
 * one was copied. This explains the name of a run, but not that of another machine.
 */
function inheritanceAmong(said: readonly Said[]): (it: Said) => boolean {
  const oldest = new Map<string, Date>();
  for (const { member, own } of said) {
    const before = oldest.get(own.restorePoint);
    if (before === undefined || member.takenAt < before) {
      oldest.set(own.restorePoint, member.takenAt);
    }
  }
  return ({ member: { takenAt, membership }, own }) => {
    const first = oldest.get(own.restorePoint) ?? takenAt;
    return mayBeOneMachine(own, membership) && !mayBeOfOneRun(first, takenAt);
  };
}

/** Without a manifest, only the snapshots themselves say how many there are. Others than their run can have taken some of them. */
function doCountsDiffer(members: readonly StoredMember[]): boolean {
  const ofBlobs = members.filter(({ place }) => place.kind === 'blob');
  return new Set(ofBlobs.map(({ membership }) => membership.count)).size > 1;
}
