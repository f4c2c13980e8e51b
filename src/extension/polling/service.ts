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
  const problem = await follow(installation, isWanted).catch((error: unknown) =>
    error instanceof Error ? error.message : String(error),
  );
  if (problem !== undefined) {
    warn(`cannot ${isWanted ? 'start' : 'stop'} the polling service: ${problem}`);
  }
}

async function follow(
  installation: Installation,
  isWanted: boolean | undefined,
): Promise<string | undefined> {
  switch (isWanted) {
    case true:
      return await startPolling(installation);
    case false:
      return await stopKnownPolling(installation);
    case undefined:
      return undefined;
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

/**
 * Starts the polling service, unless it runs: as a unit of systemd, or else by itself.
 *
 * @returns why it was not started; undefined if it runs
 */
async function startPolling(installation: Installation): Promise<string | undefined> {
  const command = serviceCommand(installation);
  if (isSystemdRunning()) {
    return await startUnit(command);
  }
  await startDetached(command);
  return undefined;
}

/** For enable, which must not wait for systemd if there is nothing to stop. */
async function stopKnownPolling({ directory }: Installation): Promise<string | undefined> {
  const left = isSystemdRunning() && hasUnit() ? await stopUnit(directory, true) : undefined;
  await stopDetached();
  return left;
}

/**
 * Ends the polling service, waits for its end, and removes what was made for it. For disable and
 * uninstall, under the lock of `enable`: otherwise an enable may start it again meanwhile. May be repeated. What is not of flashfreeze
 * stays: the extension that it replaced may be back, with a unit of this name.
 *
 * @returns why a unit was left alone; undefined if none was
 * @throws FlashfreezeError FF_EXTENSION_BUSY; what systemctl says
 */
export async function stopPolling({
  directory,
}: Pick<Installation, 'directory'>): Promise<string | undefined> {
  const left = isSystemdRunning() ? await stopUnit(directory, false) : undefined;
  await stopDetached();
  return left;
}
