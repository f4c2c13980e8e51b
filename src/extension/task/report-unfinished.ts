import { join } from 'node:path';
import { FlashfreezeError } from '../../errors.ts';
import type { Installation } from '../installation.ts';
import { readRoleGuid } from '../machine-identity.ts';
import type { ReportSettings } from '../settings/report-settings.ts';
import { secretsOf } from '../settings/secrets.ts';
import { readSettingsText } from '../settings/settings-file.ts';
import { finishTask, readHandled } from '../task-history.ts';
import { publish } from './publish.ts';
import { NO_REPORT_SETTINGS, publicReportSettings } from './read-task.ts';
import { openTaskContext } from './task-context.ts';
import { briefReport } from './task-report.ts';
import { concludeError } from './task-result.ts';

/** The error of a task whose process has died. */
export function interrupted(): FlashfreezeError {
  return new FlashfreezeError(
    'FF_INTERRUPTED',
    'the snapshot was interrupted before it was reported: the machine was restarted or the process killed; what it had frozen is thawed',
  );
}

/**
 * Reports a task whose process ended without a report: a signal kills a process that is about to start before
 * it can report. Reports to the blobs that the settings file still names. To be called when no worker runs;
 * never rejects.
 *
 * @param found sentences about runs that died
 */
export async function reportUnfinished(
  installation: Installation,
  found: readonly string[],
): Promise<void> {
  const { directory, libDirectory, handler } = installation;
  // A machine that was restored from a snapshot has the record of the task that took it, which was reported elsewhere.
  const roleGuid = await readRoleGuid(libDirectory);
  const { sequenceNumber, begunAs, isFinished } = await readHandled(directory, roleGuid);
  if (isFinished || sequenceNumber === undefined) {
    return;
  }
  const settings = await readSettingsText(join(handler.configFolder, `${sequenceNumber}.settings`))
    .then(publicReportSettings)
    .catch((): ReportSettings => NO_REPORT_SETTINGS);
  const context = await openTaskContext(installation, sequenceNumber);
  for (const sentence of found) {
    context.log.warning(sentence);
  }
  for (const secret of secretsOf(settings)) {
    context.redaction.add(secret);
  }
  const { code, message } = concludeError(interrupted(), []);
  await publish(
    context,
    settings,
    briefReport(context, settings, code, message),
    AbortSignal.abort(),
  );
  if (begunAs !== undefined) {
    await finishTask(directory, begunAs).catch(() => {});
  }
}
