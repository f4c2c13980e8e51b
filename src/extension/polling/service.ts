import { isSystemdRunning } from '../../system/systemd-units.ts';
import type { Installation } from '../installation.ts';
import { parseHandlerSettings } from '../settings/handler-settings.ts';
import { interpretSettings } from '../settings/task-settings.ts';
import { flagOf } from '../snapshot-method/flags.ts';
import type { TaskSettings } from '../task-types.ts';
import { startDetached, stopDetached } from './detached.ts';
import { serviceCommand } from './service-command.ts';
import { hasUnit, startUnit, stopUnit } from './systemd.ts';

/** Whether the task enables the polling service (settings.md, dynamicConfigsFromCRP). */
export function isPollingWanted(settings: TaskSettings): boolean {
  return flagOf(settings, 'EnableVMSnapshotExtensionPolling') === true;
}

/**
 * Starts or stops the polling service as a settings file wants it; what the file says about that is in
 * its public part. Settings that cannot be read change nothing. For enable; may be repeated. Never rejects.
 *
 * @param settings text of the settings file
 * @param warn called with a sentence if that failed
 */
export async function followPollingWish(
  installation: Installation,
  settings: string,
  warn: (message: string) => void,
): Promise<void> {
  const isWanted = readWish(settings);
  try {
    if (isWanted === true) {
      await startPolling(installation);
    } else if (isWanted === false) {
      await stopKnownPolling();
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    warn(`cannot ${isWanted ? 'start' : 'stop'} the polling service: ${reason}`);
  }
}

function readWish(settings: string): boolean | undefined {
  try {
    const { publicSettings } = parseHandlerSettings(settings);
    return isPollingWanted(interpretSettings(publicSettings, undefined));
  } catch {
    return undefined;
  }
}

/** Starts the polling service, unless it runs: as a unit of systemd, or else by itself. */
export async function startPolling(installation: Installation): Promise<void> {
  const command = serviceCommand(installation);
  if (isSystemdRunning()) {
    await startUnit(command);
  } else {
    await startDetached(command);
  }
}

/** For enable, which must not wait for systemd if there is nothing to stop. */
async function stopKnownPolling(): Promise<void> {
  if (isSystemdRunning() && hasUnit()) {
    await stopUnit();
  }
  await stopDetached();
}

/**
 * Ends the polling service, waits for its end, and removes what was made for it. For disable and
 * uninstall, under the lock of `enable`: otherwise an enable may start it again meanwhile. May be repeated.
 *
 * @throws FlashfreezeError FF_EXTENSION_BUSY; what systemctl says
 */
export async function stopPolling(): Promise<void> {
  if (isSystemdRunning()) {
    await stopUnit();
  }
  await stopDetached();
}
