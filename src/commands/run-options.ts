import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { BackupRequest } from '../backup/request.ts';
import { configuredRequest } from '../backup/request.ts';
import { MAX_STANDSTILL_S, type VmBackupConfiguration } from '../config/vmbackup.ts';
import { FlashfreezeError } from '../errors.ts';
import type { LogLevel } from '../log/held-log.ts';
import { QUIESCE_PATHS, type QuiescePaths } from '../quiesce/read-configuration.ts';

/** What commander hands over for every command that freezes, before it is looked at. */
export interface RawRunOptions {
  readonly mount?: readonly string[];
  readonly skip?: readonly string[];
  readonly timeout?: string;
  readonly at?: string;
  readonly settle: boolean;
  /** True where the machine's databases and scripts are to be quiesced. */
  readonly quiesce?: boolean;
  readonly pluginHost?: string;
  readonly workload?: string;
  /** False: the run leaves nothing in the log folder. */
  readonly timeline?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly json?: boolean;
}

/** For an option that may be given several times. */
export function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

/** The options that every command that freezes has. */
export function addRunOptions(command: Command): Command {
  return command
    .option(
      '--mount <path>',
      'freeze only this mount point (repeatable); default: all that matter',
      collect,
    )
    .option('--skip <path>', 'leave this mount point out (repeatable)', collect)
    .option('--timeout <seconds>', 'longest the file systems may stand still (default 60)')
    .option('--at <time>', 'RFC 3339 time at which the freeze begins; everything is ready before')
    .option('--no-settle', 'do not flush dirty data before the freeze')
    .option('--no-quiesce', 'leave the databases and scripts that /etc/azure names alone')
    .option('--plugin-host <file>', `pre- and post-scripts (default ${QUIESCE_PATHS.pluginHost})`)
    .option('--workload <file>', `database (default ${QUIESCE_PATHS.workload})`)
    .option('--no-timeline', 'leave nothing for flashfreeze report')
    .option('-q, --quiet', 'no progress, only warnings and errors')
    .option('-v, --verbose', 'also what happened when, call by call')
    .option('--json', 'print the result as JSON on stdout');
}

/** The least grave level that is logged. */
export function logLevelOf({ quiet, verbose }: RawRunOptions): LogLevel {
  if (quiet === true && verbose === true) {
    throw new FlashfreezeError('FF_USAGE', '--quiet and --verbose: expected one of them');
  }
  if (quiet === true) {
    return 'warning';
  }
  return verbose === true ? 'verbose' : 'info';
}

/** The files that name applications; undefined if these are to be left alone. */
export function quiescePathsOf({
  quiesce,
  pluginHost,
  workload,
}: RawRunOptions): QuiescePaths | undefined {
  return quiesce === true
    ? {
        ...QUIESCE_PATHS,
        ...(pluginHost === undefined ? {} : { pluginHost }),
        ...(workload === undefined ? {} : { workload }),
      }
    : undefined;
}

/** A run by the options and the machine's configuration; who takes the snapshots is still open. */
export function runRequestOf(
  options: RawRunOptions,
  configuration: VmBackupConfiguration,
): BackupRequest {
  return {
    ...configuredRequest(configuration),
    selection: {
      include: options.mount ?? [],
      skip: [...configuration.mountsToSkip, ...(options.skip ?? [])],
    },
    timeoutMs: timeoutMsOf(options.timeout) ?? configuration.timeoutMs,
    settle: options.settle,
    freeze: true,
    startAt: startTimeOf(options.at),
    taskId: randomUUID(),
  };
}

/** `--timeout`, in milliseconds; undefined where it was not given. */
export function timeoutMsOf(text: string | undefined): number | undefined {
  if (text === undefined) {
    return undefined;
  }
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= MAX_STANDSTILL_S)) {
    throw new FlashfreezeError(
      'FF_USAGE',
      `--timeout ${text}: expected seconds, more than 0 and at most ${MAX_STANDSTILL_S}, e.g. --timeout 60`,
    );
  }
  return seconds * 1_000;
}

/** One that is over by less begins at once: a clock, or a slow shell, was a little late. */
const LATE_START_MS = 60_000;

/** `--at`: an RFC 3339 time with its offset, still to come; a bare local time would be a guess. */
export function startTimeOf(text: string | undefined, now: Date = new Date()): Date | undefined {
  if (text === undefined) {
    return undefined;
  }
  const time = new Date(text);
  const day = RFC_3339.exec(text)?.[1];
  if (day === undefined || !isOnCalendar(day) || Number.isNaN(time.getTime())) {
    throw new FlashfreezeError(
      'FF_USAGE',
      `--at ${text === '' ? '(empty)' : text}: expected RFC 3339 with an offset, e.g. --at 2026-11-22T02:00:00Z`,
    );
  }
  if (now.getTime() - time.getTime() > LATE_START_MS) {
    throw new FlashfreezeError(
      'FF_USAGE',
      `--at ${text}: is over, it is ${now.toISOString()}; expected a time to come. Without --at it begins at once`,
    );
  }
  return time;
}

const RFC_3339 =
  /^(\d{4}-\d{2}-\d{2})[Tt ](?:[01]\d|2[0-3]):\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/;

/** `Date` makes March of the 30th of February. */
function isOnCalendar(day: string): boolean {
  const date = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day);
}
