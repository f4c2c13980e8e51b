import { FlashfreezeError } from '../errors.ts';
import { printable } from '../log/printable.ts';
import { Redaction } from '../log/redaction.ts';
import { colors } from '../report/colors.ts';
import type { OutputOf } from '../report/schemas/described.ts';
import type { deepReportSchema } from '../report/schemas/stored-snapshots.ts';
import { blobReader } from '../restore/blob-reader.ts';
import { type VerifiedDisk, verifyPoint } from '../restore/verify-point.ts';
import { findRestorePoint } from '../restore-points/find.ts';
import type { RestorePoint } from '../restore-points/restore-point.ts';
import { describeMember, describePoint } from './snapshots-list.ts';
import { ProgressLine } from './snapshots-progress.ts';
import { readPoints, sourceOf } from './snapshots-source.ts';
import type { VerifyOptions } from './snapshots-verify.ts';

type DeepReport = OutputOf<typeof deepReportSchema>;

/**
 * Reads the heads of the snapshots of a restore point in containers.
 *
 * @param wanted its identifier, or the beginning of it
 * @returns the exit code: 0 if it is complete and every disk would mount without recovery
 */
export async function verifyDeep(wanted: string, options: VerifyOptions): Promise<number> {
  if ((options.metadata ?? []).length > 0) {
    throw new FlashfreezeError('FF_USAGE', '--deep: --metadata cannot be given with it');
  }
  const redaction = new Redaction();
  const source = await sourceOf(options, redaction);
  const containers = source.kind === 'blobs' ? source.containers : [];
  const { points, warnings } = await readPoints(source);
  const point = findRestorePoint(points, wanted);
  using line = new ProgressLine();
  const disks = await verifyPoint(
    point,
    async ({ place, sizeBytes }) =>
      place.kind === 'blob' ? await blobReader(place, containers, sizeBytes) : undefined,
    (read) => line.show(`${read} of ${point.members.length} snapshots read`),
  );
  const report = describe(point, disks);
  for (const warning of warnings) {
    process.stderr.write(redaction.redact(`${colors.yellow('!')} ${printable(warning)}\n`));
  }
  const text = options.json === true ? JSON.stringify(report, null, 2) : textOf(report);
  process.stdout.write(redaction.redact(`${text}\n`));
  return report.mountable ? 0 : 1;
}

function describe(point: RestorePoint, disks: readonly VerifiedDisk[]): DeepReport {
  return {
    ...describePoint(point),
    mountable: point.worth === 'complete' && disks.every(({ problems }) => problems.length === 0),
    disks: disks.map(({ member, heads, problems }) => ({
      ...describeMember(member),
      heads: heads.map(({ where, kind, uuid, state, detail }) => ({
        ...{ where, kind, state, detail },
        uuid: uuid ?? null,
      })),
      problems: [...problems],
    })),
  };
}

function textOf({ id, host, worth, count, present, mountable, disks }: DeepReport): string {
  const lines = disks.flatMap(({ source, snapshot, heads, problems }) => {
    const name = printable(`${source} ${snapshot}`);
    return problems.length === 0
      ? [
          `${colors.green('✓')} ${name}`,
          ...heads.map(({ where, kind, detail }) => printable(`    ${where} (${kind}): ${detail}`)),
        ]
      : [`${colors.red('✗')} ${name}`, ...problems.map((it) => colors.red(printable(`    ${it}`)))];
  });
  const good = disks.filter(({ problems }) => problems.length === 0).length;
  const name = printable(`restore point ${id} of ${host}`);
  const verdict = mountable
    ? colors.green(`✓ ${name}: nothing has to be recovered on any disk`)
    : colors.red(
        `✗ ${name}: ${worth}, ${present} of ${count} snapshots exist, ${good} of them without a problem`,
      );
  return [...lines, verdict].join('\n');
}
