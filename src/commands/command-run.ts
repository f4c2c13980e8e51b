import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import packageJson from '../../package.json' with { type: 'json' };
import { LogObserver } from '../backup/log-observer.ts';
import type { BackupRecord } from '../backup/record.ts';
import type { BackupRequest } from '../backup/request.ts';
import { backup } from '../backup/run.ts';
import { commandWords } from '../config/argument-words.ts';
import { DEFAULT_VM_BACKUP_CONFIGURATION, readVmBackupConfiguration } from '../config/vmbackup.ts';
import { HeldLog, stderrSink } from '../log/held-log.ts';
import {
  type KeptRecord,
  keepRecord,
  type PipelineContext,
  runPipeline,
} from '../pipeline/pipeline.ts';
import type { QuiescePaths } from '../quiesce/read-configuration.ts';
import {
  type Credential,
  describeError,
  type RunFile,
  type RunOrigin,
} from '../report/run-file.ts';
import { RUN_FOLDER } from '../report/run-folder.ts';
import { timelineLines } from '../report/timeline-text.ts';
import { redactionOfCommand } from './exit.ts';
import { requireRoot } from './require-root.ts';
import { logLevelOf, notifyOf, quiescePathsOf, type RawRunOptions } from './run-options.ts';

/** The context of every run from the command line. */
export interface CommandContext extends PipelineContext {
  readonly applications: QuiescePaths | undefined;
  /** About the configuration file; logged once it is clear that the run begins. */
  readonly warnings: readonly string[];
  readonly keepsTimeline: boolean;
}

/** @throws FlashfreezeError FF_USAGE, FF_CONFIG_INVALID */
export function openCommandContext(options: RawRunOptions): CommandContext {
  const redaction = redactionOfCommand();
  const log = new HeldLog({ sink: stderrSink, redaction, minimumLevel: logLevelOf(options) });
  const notify = notifyOf(options);
  const { configuration: ofFile, warnings } = readVmBackupConfiguration();
  const configuration = { ...ofFile, notify: notify ?? ofFile.notify };
  const applications = quiescePathsOf(options);
  const keepsTimeline = options.timeline ?? true;
  return { redaction, log, configuration, applications, warnings, keepsTimeline };
}

/** For `keepRefusal`, if the options or the configuration give no context: as if there were no configuration. */
export function refusalContext({ timeline = true, notify = '' }: RawRunOptions): CommandContext {
  const redaction = redactionOfCommand();
  return {
    redaction,
    log: new HeldLog({ sink: stderrSink, redaction }),
    configuration: { ...DEFAULT_VM_BACKUP_CONFIGURATION, notify: commandWords(notify) },
    applications: undefined,
    warnings: [],
    keepsTimeline: timeline,
  };
}

/** The request of a command, and how the command prints the result. */
export interface CommandRun {
  readonly origin: Extract<RunOrigin, 'snapshot' | 'freeze'>;
  readonly request: BackupRequest;
  /** Called before anything is written to a disk: a write to a disk that another tool has frozen never returns. */
  print(record: BackupRecord): void | Promise<void>;
  /** What the snapshots were requested with, as far as it is known at the end; missing: nothing of the kind. */
  credential?(): Credential | undefined;
  /** Called with the run as it is kept, at the end. */
  kept?(run: RunFile): void;
}

type Ended =
  | { readonly ok: true; readonly record: BackupRecord }
  | { readonly ok: false; readonly error: unknown };

/**
 * Runs the request of a command and keeps its timeline.
 *
 * @throws FlashfreezeError FF_NOT_ROOT, and the errors of `backup`
 */
export async function runForCommand(
  context: CommandContext,
  { origin, request, print, credential, kept: onKept }: CommandRun,
  abort: AbortSignal,
): Promise<BackupRecord> {
  requireRoot();
  context.log.info(
    `flashfreeze ${packageJson.version} on ${hostname()}: ${origin}, run ${request.taskId}`,
  );
  for (const warning of context.warnings) {
    context.log.warning(warning);
  }
  let printing: Promise<void> = Promise.resolve();
  const { result, kept } = await runPipeline<Ended>(context, {
    applications: context.applications,
    take: async (readQuiesce) => {
      const withApplications = { ...request, quiesce: readQuiesce() };
      const record = await backup(withApplications, new LogObserver(context.log), abort);
      return { ok: true, record };
    },
    refused: (error) => ({ ok: false, error }),
    tell: async (ended) => {
      if (ended.ok) {
        printing = Promise.try(print, ended.record);
        await printing.catch(() => {});
      }
    },
    toKeep: (ended) => ({
      ending: ended.ok
        ? { kind: 'ran', record: ended.record }
        : { kind: 'refused', error: describeError(ended.error) },
      identity: { origin, taskId: request.taskId, credential: credential?.() },
      folder: context.keepsTimeline ? RUN_FOLDER : undefined,
    }),
  });
  if (kept !== undefined) {
    onKept?.(kept.run);
    logTimeline(context, kept);
  }
  // An error of printing counts only after the timeline has been kept.
  await printing;
  if (!result.ok) {
    throw result.error;
  }
  return result.record;
}

/**
 * Keeps a run whose options or configuration were refused before it could begin, e.g. because the file with the blobs
 * is gone: an operator who watches scheduled runs has to see it. To be called once the error is printed. Does nothing without root,
 * which keeping a run takes.
 */
export async function keepRefusal(
  context: CommandContext,
  origin: CommandRun['origin'],
  error: unknown,
): Promise<void> {
  if (process.geteuid?.() === 0) {
    await keepRecord(context, {
      ending: { kind: 'refused', error: describeError(error) },
      identity: { origin, taskId: randomUUID() },
      folder: context.keepsTimeline ? RUN_FOLDER : undefined,
    });
  }
}

function logTimeline({ log }: CommandContext, { run, path }: KeptRecord): void {
  if (path === undefined) {
    return;
  }
  for (const line of run.timeline === null ? [] : timelineLines(run.timeline)) {
    log.verbose(line);
  }
  log.info(`to see the timeline of this run: flashfreeze report ${path}`);
}
