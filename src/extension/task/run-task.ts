import { hostname } from 'node:os';
import { join } from 'node:path';
import { LogObserver } from '../../backup/log-observer.ts';
import type { BackupRequest } from '../../backup/request.ts';
import { configuredRequest } from '../../backup/request.ts';
import type { VmBackupConfiguration } from '../../config/vmbackup.ts';
import { FlashfreezeError } from '../../errors.ts';
import { measureUsedSpace, type SizeScope } from '../../filesystems/used-size.ts';
import {
  endPipeline,
  type PipelineSteps,
  type RunToKeep,
  runPipeline,
} from '../../pipeline/pipeline.ts';
import { QUIESCE_PATHS } from '../../quiesce/read-configuration.ts';
import { RESULTS } from '../../result-codes.ts';
import type { Blob } from '../../snapshot/blob/blob.ts';
import { firstExpiryOf } from '../../snapshot/blob/sas-expiry.ts';
import type { Installation } from '../installation.ts';
import { runExclusively } from '../process-lock.ts';
import { takeSnapshots } from '../snapshot-method/take-snapshots.ts';
import { forgetWorker, type Work } from '../task-process.ts';
import type { TaskSettings } from '../task-types.ts';
import { readMachineFacts } from '../telemetry/machine-facts.ts';
import { announce, publish } from './publish.ts';
import { type ReadTask, readTask, requireInTime } from './read-task.ts';
import { interrupted } from './report-unfinished.ts';
import { requestIdOf } from './request-id.ts';
import { openTaskContext, type TaskContext } from './task-context.ts';
import { finalReport, inProgressReport, type MachineReading } from './task-report.ts';
import { type Conclusion, concludeError, concludeTaken } from './task-result.ts';

/** Longest a task waits for the one before it. */
const EARLIER_TASK_LIMIT_MS = 10 * 60_000;

/** The worker's input. */
export interface TaskOrder {
  readonly sequenceNumber: number;
  /** Text of the settings file. */
  readonly settings: string;
  /** `report`: the task was interrupted; only report that, and run the clean-up that it left. */
  readonly work: Work;
}

/**
 * Runs the task of a settings file and reports its result, errors included.
 *
 * @param abort its reason is an `AbortReason`; ends the run at once, thawing what is frozen
 * @param found sentences about runs that died
 * @throws FlashfreezeError FF_ENVIRONMENT_INVALID if the extension's directory was deleted meanwhile
 */
export async function runTask(
  installation: Installation,
  { sequenceNumber, settings, work }: TaskOrder,
  abort: AbortSignal,
  found: readonly string[],
): Promise<void> {
  if (installation.handlerProblem !== undefined) {
    throw installation.handlerProblem;
  }
  const context = await openTaskContext(installation, sequenceNumber);
  for (const sentence of found) {
    context.log.warning(sentence);
  }
  const read = await readTask(context, settings);
  context.log.info(
    `task ${read.report.taskId}, sequence number ${sequenceNumber}, version ${installation.version}, host name ${hostname()}`,
  );
  try {
    // Held until everything is reported: the next task waits for that.
    using _alone = await runExclusively(
      installation.directory,
      EARLIER_TASK_LIMIT_MS,
      (sentence) => context.log.warning(sentence),
      abort,
    );
    await runAndReport(context, read, work, abort);
  } catch (error) {
    const steps = endOf(context, read, abort);
    await endPipeline(context, steps, refused(context, read, error));
  }
  await forgetWorker(installation.directory);
}

async function runAndReport(
  context: TaskContext,
  read: ReadTask,
  work: Work,
  abort: AbortSignal,
): Promise<void> {
  const announced =
    work === 'run'
      ? announce(context, read.report, inProgressReport(context, read.report))
      : Promise.resolve();
  const { tell, toKeep: keep } = endOf(context, read, abort);
  await runPipeline<Conclusion>(context, {
    applications: QUIESCE_PATHS,
    take: (readQuiesce) =>
      take(context, read, work, { readQuiesce, beforeFreeze: announced }, abort),
    refused: (error) => refused(context, read, error),
    tell: async (conclusion) => {
      await announced;
      await tell(conclusion);
    },
    toKeep: keep,
  });
}

/** How a task ends, whether it ran or not. */
function endOf(
  context: TaskContext,
  read: ReadTask,
  abort: AbortSignal,
): Pick<PipelineSteps<Conclusion>, 'tell' | 'toKeep'> {
  return {
    tell: (conclusion) => report(context, read, conclusion, abort),
    toKeep: (conclusion) =>
      toKeep(
        context,
        read.report.taskId,
        conclusion,
        read.settings.ok ? read.settings.task.blobs : [],
      ),
  };
}

function refused(context: TaskContext, { settings }: ReadTask, error: unknown): Conclusion {
  context.log.error(detailsOf(error));
  return concludeError(error, settings.ok ? settings.task.blobs : []);
}

async function report(
  context: TaskContext,
  read: ReadTask,
  conclusion: Conclusion,
  abort: AbortSignal,
): Promise<void> {
  const machine = await readMachine(context, sizeScopeOf(read));
  const ended = finalReport(context, read.report, conclusion, machine);
  await publish(context, read.report, ended, abort);
}

/** Which file systems the task is charged for. */
export function sizeScopeOf({ settings }: Pick<ReadTask, 'settings'>): SizeScope {
  if (!settings.ok) {
    return {};
  }
  const { includedDisks, custom } = settings.task;
  const isRootOnly = custom.isOnlyOsDiskBackupEnabled;
  return { luns: includedDisks.luns, ...(isRootOnly !== undefined && { isRootOnly }) };
}

/** The timeline is kept in `runs` beside the log. Undefined for a task that succeeded without a run. */
export function toKeep(
  { installation }: TaskContext,
  taskId: string,
  { record, code, message }: Conclusion,
  blobs: readonly Pick<Blob, 'url'>[] = [],
): RunToKeep | undefined {
  // Without a record, only the command `install` succeeds.
  if (record === undefined && code === INSTALLED.code) {
    return undefined;
  }
  const endsAt = firstExpiryOf(blobs)?.toISOString();
  return {
    ending:
      record === undefined
        ? { kind: 'refused', error: { code: RESULTS[code].name, message } }
        : { kind: 'ran', record },
    identity: {
      ...{ origin: 'extension', taskId },
      credential: endsAt === undefined ? undefined : { kind: 'sas', endsAt },
    },
    folder: join(installation.handler.logFolder, 'runs'),
  };
}

interface TakeRun extends Pick<BackupRequest, 'beforeFreeze'> {
  readonly readQuiesce: () => BackupRequest['quiesce'];
}

async function take(
  context: TaskContext,
  { settings }: ReadTask,
  work: Work,
  { readQuiesce, beforeFreeze }: TakeRun,
  abort: AbortSignal,
): Promise<Conclusion> {
  if (work === 'report') {
    throw interrupted();
  }
  if (!settings.ok) {
    throw settings.error;
  }
  const { task } = settings;
  for (const warning of task.warnings) {
    context.log.warning(warning);
  }
  if (task.command === 'install') {
    return INSTALLED;
  }
  const taken = await takeSnapshots({
    settings: task,
    configured: context.configuration.snapshotMethod,
    wireProtocolAddress: context.installation.agent.wireProtocolAddress,
    request: {
      ...requestOf(task, context.configuration),
      quiesce: readQuiesce(),
      beforeFreeze,
    },
    observer: new LogObserver(context.log),
    abort,
    note: (message) => context.log.info(message),
    hide: (secret) => context.redaction.add(secret),
    requireInTime: (now) => requireInTime(task, now),
  });
  if (!taken.result.ok) {
    context.log.error(detailsOf(taken.result.error));
  }
  return concludeTaken(taken, task.blobs);
}

const INSTALLED: Conclusion = {
  code: 1,
  message: 'The extension is installed; there was nothing else to do.',
  consistency: 'none',
  snapshots: [],
  record: undefined,
  creator: undefined,
};

function requestOf(task: TaskSettings, configuration: VmBackupConfiguration): BackupRequest {
  return {
    ...configuredRequest(configuration),
    blobs: task.blobs,
    startAt: task.start?.at,
    metadata: task.metadata,
    taskId: requestIdOf(task.taskId),
    manifest: { origin: 'extension', container: undefined },
    // The service chooses the disks: a disk that it leaves out is not a fault, and each disk that it names is snapshotted.
    isPartial: true,
    foreignBlobs: 'doubt',
  };
}

/** For the report. */
export async function readMachine(context: TaskContext, scope: SizeScope): Promise<MachineReading> {
  const [facts, usedSpace] = await Promise.all([
    readMachineFacts(context.installation.libDirectory),
    measureUsedSpace(scope).catch((error: unknown) => {
      context.log.warning(`cannot compute the used space: ${String(error)}`);
      return undefined;
    }),
  ]);
  return { facts, usedSpace, scope };
}

/** For the log, which redacts secrets. */
export function detailsOf(error: unknown): string {
  if (error instanceof FlashfreezeError) {
    return `${error.message} (${error.code})`;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
