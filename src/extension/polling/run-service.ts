import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { Installation } from '../installation.ts';
import { openTaskContext } from '../task/task-context.ts';
import { becomeTheService } from './detached.ts';
import { handleOrder } from './handle-order.ts';
import { pollForSnapshots } from './poll.ts';

/**
 * The body of the service's process. Resolves when it is to end, or at once if another service process runs.
 *
 * @param found sentences about runs that died
 */
export async function runPollingService(
  installation: Installation,
  abort: AbortSignal,
  found: readonly string[],
): Promise<void> {
  using service = await becomeTheService();
  if (service === undefined) {
    return;
  }
  const context = await openTaskContext(installation, 0);
  const { log } = context;
  for (const sentence of found) {
    log.warning(sentence);
  }
  const intervalMs = context.configuration.pollIntervalMs;
  log.info(`the polling service begins; it asks the host every ${intervalMs / 1_000} s`);
  await pollForSnapshots(
    {
      wireProtocolAddress: installation.agent.wireProtocolAddress,
      intervalMs,
      log,
      follow: (order, client) => handleOrder(installation, order, client, abort),
      isWanted: () => isInstalled(installation),
    },
    abort,
  );
  log.info('the polling service ends');
}

/** The agent may delete an extension's directory without running a command of it. */
async function isInstalled({ directory }: Installation): Promise<boolean> {
  try {
    await access(join(directory, 'HandlerEnvironment.json'));
    return true;
  } catch {
    return false;
  }
}
