import { recover } from '../backup/journal/recover.ts';
import { LogObserver } from '../backup/log-observer.ts';
import type { BackupRecord } from '../backup/record.ts';
import type { BackupRequest } from '../backup/request.ts';
import { backup } from '../backup/run.ts';
import { readVmBackupConfiguration, type VmBackupConfiguration } from '../config/vmbackup.ts';
import { HeldLog, stderrSink } from '../log/held-log.ts';
import { Redaction } from '../log/redaction.ts';
import type { QuiescePlan } from '../quiesce/model.ts';
import { secretsOf } from '../quiesce/read-configuration.ts';
import { requireRoot } from './require-root.ts';
import { logLevelOf, quiescePlanOf, type RawRunOptions } from './run-options.ts';

/** What every run from the command line has. */
export interface RunDesk {
  readonly redaction: Redaction;
  readonly log: HeldLog;
  readonly configuration: VmBackupConfiguration;
  readonly quiesce: QuiescePlan | undefined;
  /** About the configuration file; to be told once it is clear that the run begins. */
  readonly warnings: readonly string[];
}

/**
 * @param urls whose queries are secrets
 * @throws FlashfreezeError FF_USAGE, FF_CONFIG_INVALID
 */
export function openRunDesk(options: RawRunOptions, urls: readonly string[] = []): RunDesk {
  const redaction = new Redaction();
  for (const url of urls) {
    redaction.addUrl(url);
  }
  const log = new HeldLog({ sink: stderrSink, redaction, minimumLevel: logLevelOf(options) });
  const { configuration, warnings } = readVmBackupConfiguration();
  const quiesce = quiescePlanOf(options, configuration);
  for (const secret of secretsOf(quiesce)) {
    redaction.add(secret);
  }
  return { redaction, log, configuration, quiesce, warnings };
}

/** Looks after runs that died, then runs this one. Throws what `backup` throws, and FF_NOT_ROOT. */
export async function carryOut(
  { log, warnings }: RunDesk,
  request: BackupRequest,
  abort: AbortSignal,
): Promise<BackupRecord> {
  requireRoot();
  for (const warning of warnings) {
    log.warning(warning);
  }
  await recover((sentence) => log.warning(sentence));
  return await backup(request, new LogObserver(log), abort);
}
