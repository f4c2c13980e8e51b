import type { JournalFields } from '../log/systemd-journal.ts';
import { headlineOf } from './headline.ts';
import { type RunFile, resultOf } from './run-file.ts';
import { commandVerdict } from './summary.ts';

/** `MESSAGE_ID` of the record of a run; stable. */
export const RUN_MESSAGE_ID = '617976744cd94d5dbcbfa89a1fd91483';

/** Levels of syslog. */
const ERROR = '3';
const WARNING = '4';
const INFORMATION = '6';

/**
 * The record of a run for the systemd journal. Pure.
 *
 * @param path of the run's file; undefined if it is not kept
 */
export function journalRecordOf(run: RunFile, path: string | undefined): JournalFields {
  const { origin, taskId, machine, summary, set, error } = run;
  const fields: Record<string, string | number | null | undefined> = {
    MESSAGE: messageOf(run),
    PRIORITY: priorityOf(run),
    MESSAGE_ID: RUN_MESSAGE_ID,
    SYSLOG_IDENTIFIER: 'flashfreeze',
    FLASHFREEZE_RUN: taskId,
    FLASHFREEZE_ORIGIN: origin,
    FLASHFREEZE_RESULT: resultOf(run),
    FLASHFREEZE_HOST: machine.host,
    FLASHFREEZE_VERSION: machine.flashfreeze,
    FLASHFREEZE_REPORT: path,
    FLASHFREEZE_ERROR: error?.code,
    FLASHFREEZE_CONSISTENCY: summary?.consistency,
    FLASHFREEZE_CODE: summary?.code,
    FLASHFREEZE_WINDOW_MS: summary?.windowMs.max,
    FLASHFREEZE_DISKS: summary?.disks.length,
    FLASHFREEZE_SNAPSHOTS: summary && taken(summary),
    FLASHFREEZE_DISKS_UNPROTECTED: set?.unprotected,
    FLASHFREEZE_PROBLEMS: summary?.problems.join('\n'),
    FLASHFREEZE_WARNINGS: summary?.warnings.join('\n'),
  };
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) =>
      value === null || value === undefined || value === '' ? [] : [[name, String(value)]],
    ),
  );
}

type Summary = NonNullable<RunFile['summary']>;

function taken({ disks }: Pick<Summary, 'disks'>): number {
  return disks.filter(({ snapshot }) => snapshot !== null).length;
}

function priorityOf(run: RunFile): string {
  if (resultOf(run) !== 'success') {
    return ERROR;
  }
  return (run.set?.unprotected ?? 0) > 0 ? WARNING : INFORMATION;
}

/** One line for people. */
function messageOf({ origin, summary, error }: RunFile): string {
  if (summary === null) {
    return `${origin}: ended before anything was frozen: ${error?.message} (${error?.code})`;
  }
  const blocked = `writers were blocked for at most ${summary.windowMs.max.toFixed(1)} ms`;
  if (origin === 'freeze') {
    return `${origin}: ${commandVerdict(summary)}; ${blocked}`;
  }
  const worth =
    headlineOf(summary).text ??
    `${summary.consistency}: ${taken(summary)} of ${summary.disks.length} snapshots`;
  return `${origin}: ${worth}; ${blocked}`;
}
