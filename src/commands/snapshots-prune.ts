import { FlashfreezeError } from '../errors.ts';
import { Redaction } from '../log/redaction.ts';
import { colors } from '../report/colors.ts';
import type { OutputOf } from '../report/schemas/described.ts';
import type { pruneReportSchema } from '../report/schemas/stored-snapshots.ts';
import { renderTable } from '../report/table.ts';
import { inOrderOfDeletion, planPrune, type Verdict } from '../restore-points/prune-plan.ts';
import { type Removal, removePoints } from '../restore-points/prune-run.ts';
import {
  AGE_EXPECTED,
  COUNT_EXPECTED,
  countOf,
  readRetention,
} from '../restore-points/read-retention.ts';
import { ageMsOf, isEmptyRule, type RetentionRule } from '../restore-points/retention.ts';
import { describePoint, othersText, POINT_COLUMNS, pointCells } from './snapshots-list.ts';
import type { PruneOptions, RuleOptions } from './snapshots-options.ts';
import { ProgressLine } from './snapshots-progress.ts';
import { pointSelectionOf, readPoints, requireDeletable, sourceOf } from './snapshots-source.ts';

type PruneReport = OutputOf<typeof pruneReportSchema>;
type Pruned = PruneReport['restorePoints'][number];

/** @returns the exit code: 1 if something was not deleted */
export async function runPrune(options: PruneOptions): Promise<number> {
  const rule = ruleFor(options);
  const redaction = new Redaction();
  const matches = pointSelectionOf(options);
  const source = await sourceOf(options, redaction);
  if (options.delete === true) {
    requireDeletable(source);
  }
  const { points, others, warnings, store } = await readPoints(source);
  for (const warning of warnings) {
    process.stderr.write(redaction.redact(`${colors.yellow('!')} ${warning}\n`));
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
  const text = options.json === true ? JSON.stringify(report, null, 2) : prunedText(report, isReal);
  process.stdout.write(redaction.redact(`${text}\n`));
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

function prunedText({ restorePoints, others }: PruneReport, isReal: boolean): string {
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

/** The rule of the command line; without one, that of the configuration file. */
function ruleFor(options: PruneOptions): RetentionRule {
  const given = ruleOf(options);
  const rule = isEmptyRule(given) ? readRetention() : given;
  if (isEmptyRule(rule) && options.incomplete !== true) {
    throw new FlashfreezeError(
      'FF_USAGE',
      'prune: expected a rule, e.g. --keep-daily 7 --keep-weekly 5 or --older-than 30d, or the section [Retention] in /etc/azure/vmbackup.conf, or --incomplete',
    );
  }
  return rule;
}

function ruleOf(options: RuleOptions): RetentionRule {
  return {
    last: count('--keep-last', options.keepLast),
    hourly: count('--keep-hourly', options.keepHourly),
    daily: count('--keep-daily', options.keepDaily),
    weekly: count('--keep-weekly', options.keepWeekly),
    monthly: count('--keep-monthly', options.keepMonthly),
    yearly: count('--keep-yearly', options.keepYearly),
    withinMs: parsed('--keep-within', options.keepWithin, ageMsOf, AGE_EXPECTED),
    olderThanMs: parsed('--older-than', options.olderThan, ageMsOf, AGE_EXPECTED),
  };
}

function count(option: string, text: string | undefined): number | undefined {
  return parsed(option, text, countOf, COUNT_EXPECTED);
}

/** An unset variable of a script is no rule, and must not remove everything. */
function parsed(
  option: string,
  text: string | undefined,
  read: (text: string) => number | undefined,
  expected: string,
): number | undefined {
  const value = text === undefined ? undefined : read(text);
  if (text !== undefined && value === undefined) {
    throw new FlashfreezeError(
      'FF_USAGE',
      `${option} ${text === '' ? '(empty)' : text}: expected ${expected}`,
    );
  }
  return value;
}
