import { FlashfreezeError } from '../errors.ts';
import { jsonText, printable } from '../log/printable.ts';
import type { Redaction } from '../log/redaction.ts';
import { colors } from '../report/colors.ts';
import { blobReader } from '../restore/blob-reader.ts';
import { notProved } from '../restore/not-proved.ts';
import { openSnapshot } from '../restore/snapshot-access.ts';
import { type SnapshotOpener, type VerifiedDisk, verifyPoint } from '../restore/verify-point.ts';
import { withVolumes } from '../restore/verify-volumes.ts';
import { findRestorePoint } from '../restore-points/find.ts';
import type { RestorePoint } from '../restore-points/restore-point.ts';
import { parseArmId } from '../snapshot/managed/arm-id.ts';
import { redactionOfCommand } from './exit.ts';
import { abortOnSignals } from './signals.ts';
import { type DeepReport, deepReportText } from './snapshots-deep-text.ts';
import { describeMember, describePoint } from './snapshots-list.ts';
import { ProgressLine } from './snapshots-progress.ts';
import {
  doubtsOn,
  pointSelectionOf,
  readPoints,
  type Source,
  sourceOf,
} from './snapshots-source.ts';
import type { VerifyOptions } from './snapshots-verify.ts';

/**
 * Reads the heads of the snapshots of a restore point.
 *
 * @param wanted its identifier, or the beginning of it
 * @returns the exit code: 0 if it is complete and it was seen that every disk would mount without recovery
 */
export async function verifyDeep(wanted: string, options: VerifyOptions): Promise<number> {
  if ((options.metadata ?? []).length > 0) {
    throw new FlashfreezeError('FF_USAGE', '--deep: --metadata cannot be given with it');
  }
  const redaction = redactionOfCommand();
  const source = await sourceOf(options, redaction);
  const { points, warnings, hint } = await readPoints(source);
  const point = findRestorePoint(points.filter(pointSelectionOf(options)), wanted, hint);
  const abort = abortOnSignals();
  using line = new ProgressLine();
  const open = openerOf(source, redaction, abort.signal);
  const single = await verifyPoint(point, open, (read) =>
    line.show(`${read} of ${point.members.length} snapshots read`),
  );
  const disks = await withVolumes(single, point.manifest, open);
  const report = describe(point, disks);
  const ofDisks = disks.flatMap((disk) => disk.warning ?? []);
  for (const warning of [...warnings, ...doubtsOn(point), ...ofDisks]) {
    process.stderr.write(redaction.redact(`${colors.yellow('!')} ${printable(warning)}\n`));
  }
  if (abort.exitCode !== undefined) {
    process.stderr.write('interrupted before every snapshot was read\n');
    return abort.exitCode;
  }
  const text = options.json === true ? jsonText(report) : deepReportText(report);
  process.stdout.write(redaction.redact(`${text}\n`));
  return report.mountable ? 0 : 1;
}

function openerOf(source: Source, redaction: Redaction, abort: AbortSignal): SnapshotOpener {
  return async ({ place, sizeBytes }) => {
    if (place.kind === 'blob') {
      const containers = source.kind === 'blobs' ? source.containers : [];
      const read = await blobReader(place, containers, sizeBytes);
      return read && { read, close: () => Promise.resolve(undefined) };
    }
    const id = parseArmId(place.id, 'snapshots');
    if (id === undefined || source.kind !== 'managed') {
      throw new FlashfreezeError(
        'FF_DISK_UNSUPPORTED',
        'it is part of a restore point of the VM, whose content is not read; make a disk of it with restore and look at that',
      );
    }
    const learnSecret = (url: string): void => redaction.addUrl(url);
    return await openSnapshot(source.service, id, sizeBytes, { abort, learnSecret });
  };
}

function describe(point: RestorePoint, disks: readonly VerifiedDisk[]): DeepReport {
  const unproved = notProved(disks, point.manifest);
  const described = disks.map(({ member, heads, problems }) => ({
    ...describeMember(member),
    heads: heads.map(({ where, kind, uuid, state, detail }) => ({
      ...{ where, kind, state, detail },
      uuid: uuid ?? null,
    })),
    problems: [...problems],
    notProved: [...(unproved.get(member.membership.position) ?? [])],
  }));
  const isGood = point.worth === 'complete' && described.every((it) => it.problems.length === 0);
  const isProved = described.every((it) => it.notProved.length === 0);
  return {
    ...describePoint(point),
    mountable: isGood && isProved,
    verdict: isGood ? (isProved ? 'mountable' : 'notProved') : 'faulty',
    disks: described,
  };
}
