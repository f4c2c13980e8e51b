import type { Manifest, StoredMember } from './restore-point.ts';

/**
 * The most that the clock of a machine may differ from that of the service, and that two snapshots of a run may be apart: a run
 * lasts less.
 */
const TOLERANCE_MS = 3_600_000;

/** Whether two times may be of one run. Pure. */
export function mayBeOfOneRun(a: Date, b: Date): boolean {
  return Math.abs(a.getTime() - b.getTime()) <= TOLERANCE_MS;
}

/**
 * Those of the snapshots with the identifier of a run that the run can have taken, by their times. The others inherited it: an operator
 * copied a snapshot of the run onto the blob, metadata included, and later snapshots of that blob were requested without metadata. So
 * they are younger. Tags of a managed disk's snapshot are those of its own request, whenever it was taken. Pure.
 */
export function ownMembers(
  members: readonly StoredMember[],
  manifest: Manifest | undefined,
): readonly StoredMember[] {
  const times = timesOfRun(members, manifest);
  return members.filter(
    ({ place, takenAt }) =>
      place.kind === 'managed' || times.some((time) => mayBeOfOneRun(time, takenAt)),
  );
}

/**
 * The times of the snapshots that the manifest names, by the clock of the service; if it names none, its own by the clock of the machine.
 * Without a manifest, the time of the oldest snapshot.
 */
function timesOfRun(members: readonly StoredMember[], manifest: Manifest | undefined): Date[] {
  if (manifest === undefined) {
    const ofBlobs = members.filter(({ place }) => place.kind === 'blob');
    const [oldest] = ofBlobs.toSorted((a, b) => a.takenAt.getTime() - b.takenAt.getTime());
    return oldest === undefined ? [] : [oldest.takenAt];
  }
  const named = manifest.disks.flatMap(({ snapshot }) => timeOf(snapshot) ?? []);
  const own = [manifest.barrier, manifest.startedAt].flatMap((it) => timeOf(it) ?? []);
  return named.length > 0 ? named : own;
}

/** Undefined if the text is no time. Pure. */
export function timeOf(text: string | null | undefined): Date | undefined {
  const time = new Date(text ?? '');
  return Number.isNaN(time.getTime()) ? undefined : time;
}
