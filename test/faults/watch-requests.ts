import { setTimeout as delay } from 'node:timers/promises';
import type { BlobServer } from '../../src/lab/blob-server/blob-server.ts';
import type { LoggedRequest } from '../../src/lab/blob-server/model.ts';
import type { RunningCommand } from './running-command.ts';

const POLL_MS = 5;

/**
 * Resolves to the first request that matches, when the server has received it; rejects where the
 * command ends without it.
 */
export async function untilRequested(
  server: BlobServer,
  command: RunningCommand,
  matches: (request: LoggedRequest, index: number) => boolean,
): Promise<LoggedRequest> {
  for (;;) {
    const isLastLook = !command.isRunning;
    const found = (await server.requests()).find(matches);
    if (found !== undefined) {
      return found;
    }
    if (isLastLook) {
      throw new Error(`the command ended without the request waited for:\n${command.stderr}`);
    }
    await delay(POLL_MS);
  }
}
