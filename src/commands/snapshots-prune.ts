import { FlashfreezeError } from '../errors.ts';
import { jsonText, printable, printableTexts } from '../log/printable.ts';
import { colors } from '../report/colors.ts';
import type { OutputOf } from '../report/schemas/described.ts';
import type { pruneReportSchema } from '../report/schemas/stored-snapshots.ts';
import { renderTable } from '../report/table.ts';
import type { Machine } from '../restore-points/machine.ts';
import { inOrderOfDeletion, planPrune, type Verdict } from '../restore-points/prune-plan.ts';
import { type Removal, removePoints } from '../restore-points/prune-run.ts';
import type { RestorePoint } from '../restore-points/restore-point.ts';
import { redactionOfCommand } from './exit.ts';
import { chooseMachine } from './prune-machine.ts';
import { ruleFor } from './prune-rule.ts';
import { describePoint, othersText, POINT_COLUMNS, pointCells } from './snapshots-list.ts';
import type { PruneOptions } from './snapshots-options.ts';
import { ProgressLine } from './snapshots-progress.ts';
import { pointSelectionOf, readPoints, requireDeletable, sourceOf } from './snapshots-source.ts';

type PruneReport = OutputOf<typeof pruneReportSchema>;
type Pruned = PruneReport['restorePoints'][number];

export interface PruneExtras {
  /** Prints the result. */
  readonly print?: (text: string) => void;
  /** The machine whose restore points are pruned after its run; missing: the options alone decide. */
  readonly own?: Machine;
}

/**
 * @returns the exit code: 1 if something was not deleted
 */
export async function runPrune(
  options: PruneOptions,
  { print = (text) => process.stdout.write(text), own }: PruneExtras = {},
): Promise<number> {
  const rule = ruleFor(options);
  const redaction = redactionOfCommand();
  const isSelected = pointSelectionOf(options);
  const source = await sourceOf(options, redaction);
  if (options.delete === true) {
    requireDeletable(source);
  }
  const { points, others, warnings, store } = await readPoints(source);
  const machine = chooseMachine(points.filter(isSelected), options.host, own);
  const matches = (point: RestorePoint): boolean => isSelected(point) && machine.isChosen(point);
  for (const warning of [...warnings, ...machine.warnings]) {
    process.stderr.write(redaction.redact(`${colors.yellow('!')} ${printable(warning)}\n`));
  }
  if (options.acceptUnrecorded === true && warnings.length > 0) {
    throw new FlashfreezeError(
      'FF_CONTAINER_REFUSED',
      '--accept-unrecorded: expected every manifest to be read, because one that was not may say that its restore point is worth nothing; nothing was deleted. Give a SAS that may read (sp with r), or omit the option',
    );
  }
  const verdicts = planPrune(
    points,
    {
      ...{ rule, matches, isListed: store.isListed },
      incomplete: options.incomplete === true,
      acceptUnrecorded: options.acceptUnrecorded === true,
      allowNoneLeft: options.allowNoneLeft === true,
    },
    new Date(),
  );
  const removals =
    options.delete === true
      ? await withProgress((show) => removePoints(inOrderOfDeletion(verdicts), store, show))
      : [];
  const removalOf = new Map(removals.map((removal) => [removal.point, removal] as const));
  const report: PruneReport = {
    restorePoints: verdicts.map((verdict) => reportOn(verdict, removalOf.get(verdict.point))),
    others,
  };
  const isReal = options.delete === true;
  const text = options.json === true ? jsonText(report) : prunedText(report, isReal);
  print(redaction.redact(`${text}\n`));
  return removals.some(({ errors }) => errors.length > 0) ? 1 : 0;
}

async function withProgress(
  remove: (show: (deleted: number) => void) => Promise<Removal[]>,
): Promise<Removal[]> {
  using line = new ProgressLine();
  return await remove((deleted) => line.show(`${deleted} snapshots deleted`));
}

function reportOn({ point, isRemoved, reasons }: Verdict, removal: Removal | undefined): Pruned {
  return {
    ...describePoint(point),
    stays: !isRemoved,
    reasons,
    deletedSnapshots: removal?.deleted ?? 0,
    errors: removal?.errors ?? [],
  };
}

function prunedText(report: PruneReport, isReal: boolean): string {
  const { restorePoints, others } = printableTexts(report);
  const kept = restorePoints.filter(({ stays }) => stays);
  const removed = restorePoints.filter(({ stays }) => !stays);
  const failed = removed.filter(({ errors }) => errors.length > 0);
  const errors = failed.flatMap((point) => [
    colors.red(`✗ ${point.id}: ${stateAfter(point)}`),
    ...point.errors.map((error) => `  ${error}`),
  ]);
  const hint = isReal ? [] : ['', 'Dry run: nothing was deleted. Use --delete to delete.'];
  return [
    ...section('stay', 'why', kept),
    '',
    ...section(isReal ? 'were to be removed' : 'would be removed', 'why', removed),
    ...(isReal && removed.length > 0
      ? ['', `${removed.length - failed.length} of ${removed.length} removed`]
      : []),
    ...(errors.length > 0 ? ['', ...errors] : []),
    ...othersText(others),
    ...(removed.length > 0 ? hint : []),
  ].join('\n');
}

function stateAfter({ deletedSnapshots, present }: Pruned): string {
  return deletedSnapshots === 0
    ? 'nothing of it was deleted'
    : `${deletedSnapshots} of ${present} snapshots were deleted; the rest is listed as incomplete, and --incomplete removes it`;
}

function section(what: string, why: string, points: readonly Pruned[]): string[] {
  const title = `${points.length} restore points ${what}`;
  return points.length === 0
    ? [title]
    : [
        `${title}:`,
        renderTable(
          [...POINT_COLUMNS, { head: why, align: 'left' }],
          points.map((point) => [...pointCells(point), point.reasons.join(', ')]),
        ),
      ];
}
