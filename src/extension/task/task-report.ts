import type { BackupRecord } from '../../backup/record.ts';
import type { SizeScope, UsedSpace } from '../../filesystems/used-size.ts';
import { applicationsOfScripts } from '../../quiesce/scripts/application-name.ts';
import type { ResultCode } from '../../result-codes.ts';
import type { ReportSettings } from '../settings/report-settings.ts';
import type { TaskReport } from '../task-types.ts';
import type { MachineFacts } from '../telemetry/machine-facts.ts';
import { telemetryData } from '../telemetry/telemetry-data.ts';
import type { TaskContext } from './task-context.ts';
import type { Conclusion } from './task-result.ts';

/** The text that the service expects while a task is in progress (status.md, Order). */
const IN_PROGRESS_MESSAGE = 'Transitioning state in extension';

/** The report of a task without results: it is in progress, or was not run. */
export function briefReport(
  context: Pick<TaskContext, 'installation' | 'uniqueMachineId'>,
  settings: ReportSettings,
  code: ResultCode,
  message: string,
): TaskReport {
  return {
    handlerName: context.installation.handler.name,
    code,
    message,
    consistency: 'none',
    taskId: settings.taskId,
    startTicks: settings.startTicks,
    locale: settings.locale,
    isV2: settings.isV2,
    storage: undefined,
    telemetry: [['extensionVersion', context.installation.version]],
    uniqueMachineId: context.uniqueMachineId,
    snapshots: [],
    creator: undefined,
    statusBlobUploadError: false,
  };
}

export function inProgressReport(
  context: Pick<TaskContext, 'installation' | 'uniqueMachineId'>,
  settings: ReportSettings,
): TaskReport {
  return briefReport(context, settings, 4, IN_PROGRESS_MESSAGE);
}

/** Facts about the machine for the report, read after the thaw. */
export interface MachineReading {
  readonly facts: MachineFacts;
  readonly usedSpace: UsedSpace | undefined;
  readonly scope: SizeScope;
}

/** The report of a task that has ended. */
export function finalReport(
  context: TaskContext,
  settings: ReportSettings,
  conclusion: Conclusion,
  { facts, usedSpace, scope }: MachineReading,
): TaskReport {
  const { code, consistency, message, snapshots, record, creator } = conclusion;
  return {
    ...briefReport(context, settings, code, message),
    consistency,
    snapshots,
    creator,
    storage: usedSpace,
    telemetry: telemetryData({
      extensionVersion: context.installation.version,
      machine: facts,
      code,
      consistency,
      isPrePostEnabled: record?.application !== undefined,
      appName: appNameOf(record),
      record,
      creator,
      usedSpace,
      isRootOnly: scope.isRootOnly,
      statusBlobUploadError: false,
    }),
  };
}

/** `appName` of the script configurations, or the workload; undefined if the scripts name no application. */
function appNameOf(record: BackupRecord | undefined): string | undefined {
  const name = record?.application?.name ?? '';
  return (applicationsOfScripts(name) ?? name) || undefined;
}

/** The report for the readers that remain if the status blob could not be written. */
export function withUploadError(report: TaskReport): TaskReport {
  return {
    ...report,
    statusBlobUploadError: true,
    telemetry: [...report.telemetry, ['statusBlobUploadError', 'true']],
  };
}
