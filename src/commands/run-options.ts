import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { BackupRequest } from '../backup/request.ts';
import { configuredRequest } from '../backup/request.ts';
import { commandWords } from '../config/argument-words.ts';
import {
  MAX_STANDSTILL_S,
  VM_BACKUP_CONFIGURATION_PATH,
  type VmBackupConfiguration,
} from '../config/vmbackup.ts';
import { FlashfreezeError } from '../errors.ts';
import type { LogLevel } from '../log/held-log.ts';
import { QUIESCE_PATHS, type QuiescePaths } from '../quiesce/read-configuration.ts';
import { RUN_FOLDER } from '../report/run-folder.ts';

/** The options of every command that freezes, as commander returns them, not checked yet. */
export interface RawRunOptions {
  readonly mount?: readonly string[];
  readonly skip?: readonly string[];
  readonly timeout?: string;
  readonly at?: string;
  readonly settle: boolean;
  /** True if the machine's databases and scripts are to be quiesced. */
  readonly quiesce?: boolean;
  readonly pluginHost?: string;
  readonly workload?: string;
  /** False: the run writes nothing to the log folder. */
  readonly timeline?: boolean;
  readonly notify?: string;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly json?: boolean;
}

/** Collects the values of a repeatable option. */
export function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

export const MOUNT_HELP =
  'freeze only this mount point, or what matches this glob, type:<type> or disk:<disk> (repeatable; default: every writable ext2/3/4, xfs, btrfs, f2fs and nilfs2 file system not on a temporary disk)';
export const SKIP_HELP = `do not freeze this mount point, or what matches this glob, type:<type> or disk:<disk>, in addition to MountsToSkip in ${VM_BACKUP_CONFIGURATION_PATH} (repeatable; default: none)`;

/** Adds the options that all commands that freeze share. */
export function addRunOptions(command: Command): Command {
  return command
    .option('--mount <path>', MOUNT_HELP, collect)
    .option('--skip <path>', SKIP_HELP, collect)
    .option(
      '--timeout <seconds>',
      `longest time that the file systems may stay frozen (default: 60, or timeout in ${VM_BACKUP_CONFIGURATION_PATH})`,
    )
    .option(
      '--at <time>',
      'RFC 3339 time at which the freeze starts; preparation is done before it (default: as soon as everything is ready)',
    )
    .option('--no-settle', 'do not flush dirty data before the freeze (default: flush it)')
    .option(
      '--no-quiesce',
      'do not quiesce the databases and scripts that /etc/azure names (default: quiesce them)',
    )
    .option(
      '--plugin-host <file>',
      `configuration of pre- and post-scripts (default: ${QUIESCE_PATHS.pluginHost})`,
    )
    .option(
      '--workload <file>',
      `configuration of the database to quiesce (default: ${QUIESCE_PATHS.workload})`,
    )
    .option(
      '--no-timeline',
      `keep no timeline for flashfreeze report (default: keep it in ${RUN_FOLDER})`,
    )
    .option(
      '--notify <command>',
      `absolute path of a program, and its arguments, that gets the result as JSON on its standard input after the run (default: none, or notify in ${VM_BACKUP_CONFIGURATION_PATH})`,
    )
    .option('-q, --quiet', 'print only warnings and errors (default: also print progress)')
    .option('-v, --verbose', 'also print when each freeze, thaw and request started and ended')
    .option('--json', 'print the result as JSON on standard output (default: as text)');
}

/** The least serious level that is logged. */
export function logLevelOf({ quiet, verbose }: RawRunOptions): LogLevel {
  if (quiet === true && verbose === true) {
    throw new FlashfreezeError('FF_USAGE', '--quiet and --verbose: expected only one of them');
  }
  if (quiet === true) {
    return 'warning';
  }
  return verbose === true ? 'verbose' : 'info';
}

/** `--notify`, as path and arguments, which no message repeats: they may be secret. Undefined if it was not given. */
export function notifyOf({ notify }: RawRunOptions): readonly string[] | undefined {
  const words = notify === undefined ? undefined : commandWords(notify);
  if (notify !== undefined && words === undefined) {
    throw new FlashfreezeError(
      'FF_USAGE',
      `--notify: expected the absolute path of a program, and its arguments, e.g. --notify '/usr/local/sbin/tell-operator --mail'`,
    );
  }
  return words;
}

/** The files that name the applications to quiesce; undefined if no application is to be quiesced. */
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

/** The request that the options and the machine's configuration ask for, without the provider of the snapshots. */
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

/** `--timeout`, in milliseconds; undefined if it was not given. */
export function timeoutMsOf(text: string | undefined): number | undefined {
  return millisecondsOf('--timeout', text, 60);
}

/** An option in seconds, in milliseconds; undefined if it was not given. */
export function millisecondsOf(
  option: string,
  text: string | undefined,
  example: number,
): number | undefined {
  if (text === undefined) {
    return undefined;
  }
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= MAX_STANDSTILL_S)) {
    throw new FlashfreezeError(
      'FF_USAGE',
      `${option} ${text}: expected seconds, more than 0 and at most ${MAX_STANDSTILL_S}, e.g. ${option} ${example}`,
    );
  }
  return seconds * 1_000;
}

/** A start time that is past by less than this starts the freeze at once: a clock or a slow shell was a little late. */
const LATE_START_MS = 60_000;

/** `--at`: a future RFC 3339 time with its offset; the zone of a bare local time would be a guess. */
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
      `--at ${text} is in the past (now: ${now.toISOString()}). Give a future time, or omit --at to start immediately`,
    );
  }
  return time;
}

const RFC_3339 =
  /^(\d{4}-\d{2}-\d{2})[Tt ](?:[01]\d|2[0-3]):\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/;

/** False for a day such as the 30th of February, which `Date` reads as a day in March. */
function isOnCalendar(day: string): boolean {
  const date = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day);
}
