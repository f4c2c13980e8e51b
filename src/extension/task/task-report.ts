import type { BackupRecord } from '../../backup/record.ts';
import type { UsedSpace } from '../../filesystems/used-size.ts';
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
}

/** The report of a task that has ended. @param luns as the task lists them; undefined if it does not */
export function finalReport(
  context: TaskContext,
  settings: ReportSettings,
  luns: readonly number[] | undefined,
  conclusion: Conclusion,
  { facts, usedSpace }: MachineReading,
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
      hasLunList: (luns ?? []).length > 0,
      statusBlobUploadError: false,
    }),
  };
}

function appNameOf(record: BackupRecord | undefined): string | undefined {
  return record?.application?.name;
}

/** The report for the readers that remain if the status blob could not be written. */
export function withUploadError(report: TaskReport): TaskReport {
  return {
    ...report,
    statusBlobUploadError: true,
    telemetry: [...report.telemetry, ['statusBlobUploadError', 'true']],
  };
}
