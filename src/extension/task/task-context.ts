import { join } from 'node:path';
import {
  readVmBackupConfiguration,
  VM_BACKUP_CONFIGURATION_PATH,
  type VmBackupConfiguration,
  type VmBackupConfigurationResult,
} from '../../config/vmbackup.ts';
import { proxyFor, readWaagentConfiguration } from '../../config/waagent.ts';
import { FileLog } from '../../log/file-log.ts';
import { HeldLog } from '../../log/held-log.ts';
import { Redaction } from '../../log/redaction.ts';
import { TaskLog } from '../../log/task-log.ts';
import type { Installation } from '../installation.ts';
import { readRoleGuid, uniqueMachineId } from '../machine-identity.ts';

const LOG_FILE = 'extension.log';

/** The context that all steps of a task share. */
export interface TaskContext {
  readonly installation: Installation;
  readonly sequenceNumber: number;
  readonly configuration: VmBackupConfiguration;
  readonly redaction: Redaction;
  readonly log: HeldLog;
  /** The log's lines of this task, for its blob. */
  readonly taskLog: TaskLog;
  readonly uniqueMachineId: string;
  /** openssl(1) as the agent's configuration names it; undefined: found in PATH. */
  readonly openssl: string | undefined;
  /** URL of the proxy for a URL; undefined for none. */
  proxyFor(url: string): string | undefined;
}

/** Never rejects: a task that cannot be run must still be reported. */
export async function openTaskContext(
  installation: Installation,
  sequenceNumber: number,
): Promise<TaskContext> {
  const { configuration, warnings } = readConfiguration();
  const waagent = readWaagentConfiguration();
  const redaction = new Redaction();
  const file = new FileLog(join(installation.handler.logFolder, LOG_FILE));
  const taskLog = new TaskLog(configuration.writeLog ? [file] : []);
  const log = new HeldLog({
    sink: taskLog,
    redaction,
    logsWhileFrozen: configuration.logsWhileFrozen,
  });
  const unwritten = configuration.writeLog ? file.problem() : undefined;
  if (unwritten !== undefined) {
    // The agent keeps what its commands say.
    process.stderr.write(`flashfreeze: ${unwritten}\n`);
  }
  for (const warning of [unwritten, ...warnings, ...waagent.warnings]) {
    if (warning !== undefined) {
      log.warning(warning);
    }
  }
  return {
    installation,
    sequenceNumber,
    configuration,
    redaction,
    log,
    taskLog,
    uniqueMachineId: await uniqueMachineId(await readRoleGuid(installation.libDirectory)),
    openssl: waagent.opensslPath,
    proxyFor: (url) => proxyFor(url, waagent, process.env),
  };
}

/** A mistake in the file must not prevent the backup (settings.md, Local files). */
export function readConfiguration(): VmBackupConfigurationResult {
  return readVmBackupConfiguration(VM_BACKUP_CONFIGURATION_PATH, 'warn');
}
