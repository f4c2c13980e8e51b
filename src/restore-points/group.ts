import { isSameId } from '../snapshot/managed/arm-id.ts';
import { contradictionsIn } from './contradictions.ts';
import { byMachine, type Machine, mayBeOneMachine } from './machine.ts';
import { isManifestOf } from './manifest-file.ts';
import { mayBeOfOneRun, ownMembers, timeOf } from './own-members.ts';
import { type KeptRecord, type RecordOfRun, recordIn } from './record-of-run.ts';
import type { Doubt, Manifest, RestorePoint, StoredMember, Worth } from './restore-point.ts';

/**
 * Puts the snapshots that services list together to restore points, the newest first. What only inherited the identifier of a run is
 * in none. Pure.
 *
 * @param manifests those that were found beside them; one without snapshots gives a restore point without members
 * @param records of runs of the machines that they name, for what neither a manifest nor a tag says
 * @param found what else was found beside the snapshots
 */
export function restorePointsOf(
  members: readonly StoredMember[],
  manifests: readonly Manifest[],
  records: readonly KeptRecord[] = [],
  found: FoundBeside = NOTHING_BESIDE,
): RestorePoint[] {
  const ofRun = Map.groupBy(members, ({ membership }) => membership.restorePoint);
  const manifestsOf = Map.groupBy(manifests, ({ id }) => id);
  const recordsOf = Map.groupBy(records, ({ id }) => id);
  const ids = new Set([...ofRun.keys(), ...manifestsOf.keys()]);
  const contradictionOf = contradictionsIn(members, manifests);
  return [...ids]
    .flatMap((id) => {
      const kept = recordsOf.get(id) ?? [];
      return machinesIn(ofRun.get(id) ?? [], manifestsOf.get(id) ?? []).map((parts) => {
        const point = restorePoint(id, parts, keptOf(kept, parts.machine));
        const contradiction = contradictionOf({
          id,
          ...parts,
          members: [...point.members, ...point.surplus],
        });
        return { ...point, doubt: doubtOn(point, contradiction, found) };
      });
    })
    .sort((a, b) => b.at.getTime() - a.at.getTime() || (a.id < b.id ? -1 : 1));
}

/** What was found beside the snapshots: names of manifests that could not be read, and the restore points that blobs name. */
export interface FoundBeside {
  readonly unread: readonly string[];
  readonly onBlobs: ReadonlySet<string>;
}

const NOTHING_BESIDE: FoundBeside = { unread: [], onBlobs: new Set() };

function doubtOn(
  { id, manifest, surplus }: Pick<RestorePoint, 'id' | 'manifest' | 'surplus'>,
  contradiction: Doubt | undefined,
  { unread, onBlobs }: FoundBeside,
): Doubt | undefined {
  if (unread.some(isManifestOf(id))) {
    return 'manifestUnread';
  }
  if (contradiction !== undefined) {
    return contradiction;
  }
  const isSettled = manifest !== undefined && surplus.length === 0;
  return onBlobs.has(id) && !isSettled ? 'onBlob' : undefined;
}

interface Parts {
  readonly machine: Machine | undefined;
  readonly members: readonly StoredMember[];
  readonly manifests: readonly Manifest[];
}

/** Two machines may have used one identifier (a service gives it to runs of the extension); they are kept apart. */
function machinesIn(members: readonly StoredMember[], manifests: readonly Manifest[]): Parts[] {
  return byMachine([
    ...members.map((member) => ({ machine: member.membership, member, manifest: undefined })),
    ...manifests.map((manifest) => ({ machine: manifest, member: undefined, manifest })),
  ]).map((its) => ({
    machine: its[0]?.machine,
    members: its.flatMap(({ member }) => member ?? []),
    manifests: its.flatMap(({ manifest }) => manifest ?? []),
  }));
}

/** Of several, e.g. tries of one task, that of the oldest run. */
function keptOf(
  records: readonly KeptRecord[],
  machine: Machine | undefined,
): KeptRecord | undefined {
  return records.findLast(
    (it) =>
      machine === undefined || it.machine === undefined || mayBeOneMachine(it.machine, machine),
  );
}

/** Of copies of one manifest that contradict each other, the one that promises less. */
function mostCautious(manifests: readonly Manifest[]): Manifest | undefined {
  return manifests.find(({ restorable }) => !restorable) ?? manifests[0];
}

function restorePoint(
  id: string,
  { members: all, manifests }: Parts,
  kept: KeptRecord | undefined,
): Omit<RestorePoint, 'doubt'> {
  const manifest = mostCautious(manifests);
  const members = ownMembers(all, manifest);
  const count = Math.max(commonCount(members), manifest?.disks.length ?? 0);
  const { chosen, isAmbiguous } = choose(members, count, manifest);
  const [first] = members.toSorted((a, b) => a.takenAt.getTime() - b.takenAt.getTime());
  const record = manifest ?? recordOfTags(id, chosen) ?? recordFor(first, kept);
  return {
    id,
    host: manifest?.host ?? first?.membership.host ?? '',
    vm: manifest?.vm ?? first?.membership.vm,
    at: instantOf(record, first?.takenAt, manifest),
    worth: worthOf(
      chosen.length,
      count,
      isAmbiguous && record?.restorable === true ? undefined : record,
    ),
    count,
    members: chosen,
    surplus: members.filter((it) => !chosen.includes(it)),
    manifest,
  };
}

/**
 * A record of this machine says nothing of snapshots that were taken at another time. Of an identifier by Azure, it does: no other
 * snapshot has it.
 */
function recordFor(
  first: StoredMember | undefined,
  kept: KeptRecord | undefined,
): RecordOfRun | undefined {
  const barrier = timeOf(kept?.barrier);
  const isOfAnotherTime =
    kept?.machine !== undefined &&
    first?.place.kind === 'blob' &&
    barrier !== undefined &&
    !mayBeOfOneRun(barrier, first.takenAt);
  return isOfAnotherTime ? undefined : kept;
}

function worthOf(present: number, count: number, record: RecordOfRun | undefined): Worth {
  if (present !== count || count === 0) {
    return 'incomplete';
  }
  if (record === undefined) {
    return 'notRecorded';
  }
  // Without a freeze, each disk shows another instant.
  const isOneInstant = count === 1 || record.consistency !== 'crashConsistent';
  return record.restorable && isOneInstant ? 'complete' : 'inconsistent';
}

/** The number of snapshots that most members say there are; if two numbers are as frequent, the larger. */
function commonCount(members: readonly StoredMember[]): number {
  const byCount = Map.groupBy(members, ({ membership }) => membership.count);
  const [most] = [...byCount].sort(
    ([countA, a], [countB, b]) => b.length - a.length || countB - countA,
  );
  return most?.[0] ?? 0;
}

interface Choice {
  readonly chosen: readonly StoredMember[];
  /** Nothing says which of several snapshots of a position belongs to the restore point. */
  readonly isAmbiguous: boolean;
}

/** One member for each position. */
function choose(
  members: readonly StoredMember[],
  count: number,
  manifest: Manifest | undefined,
): Choice {
  const fitting = members.filter(
    ({ membership: { position, count: its } }) =>
      (manifest !== undefined || its === count) && position >= 1 && position <= count,
  );
  const byPosition = Map.groupBy(fitting, ({ membership }) => membership.position);
  const positions = [...byPosition].sort(([a], [b]) => a - b);
  const choices = positions.map(([position, candidates]) =>
    manifest === undefined
      ? likeliest(candidates)
      : { member: candidates.find((it) => isNamed(it, position, manifest)), isSure: true },
  );
  return {
    chosen: choices.flatMap(({ member }) => (member === undefined ? [] : [member])),
    isAmbiguous: choices.some(({ isSure }) => !isSure),
  };
}

function isNamed({ place }: StoredMember, position: number, manifest: Manifest): boolean {
  const named = manifest.disks.find((disk) => disk.position === position)?.snapshot ?? undefined;
  return (
    named !== undefined &&
    (place.kind === 'blob' ? place.snapshot === named : isSameId(place.id, named))
  );
}

/**
 * A run records only of the snapshots that belong to its restore point that it can be restored; of others the newest was
 * probably answered.
 */
function likeliest(candidates: readonly StoredMember[]): {
  readonly member: StoredMember | undefined;
  readonly isSure: boolean;
} {
  const restorable = candidates.filter(
    ({ membership, values }) => recordIn(membership.restorePoint, values)?.restorable === true,
  );
  const of = restorable.length === 0 ? candidates : restorable;
  const [member] = of.toSorted((a, b) => b.takenAt.getTime() - a.takenAt.getTime());
  return { member, isSure: of.length === 1 };
}

/** What the tags of its snapshots say; if they contradict each other, the one that promises less. */
function recordOfTags(id: string, members: readonly StoredMember[]): RecordOfRun | undefined {
  const records = members.flatMap(({ values }) => recordIn(id, values) ?? []);
  return records.find(({ restorable }) => !restorable) ?? records[0];
}

/** @param first when the service took the first snapshot, by its own clock */
function instantOf(
  record: RecordOfRun | undefined,
  first: Date | undefined,
  manifest: Manifest | undefined,
): Date {
  const barrier = timeOf(record?.barrier) ?? timeOf(manifest?.startedAt);
  if (barrier === undefined || first === undefined) {
    return first ?? barrier ?? new Date(0);
  }
  // The barrier of a machine whose clock is far off does not say when its restore point was made.
  return mayBeOfOneRun(barrier, first) && record?.barrier ? barrier : first;
}
