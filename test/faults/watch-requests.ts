import { setTimeout as delay } from 'node:timers/promises';
import type { BlobServer } from '../lab/blob-server/blob-server.ts';
import type { LoggedRequest } from '../lab/blob-server/model.ts';

const POLL_MS = 5;

/** Resolves to the first request that matches, when the server has received it. */
export async function untilRequested(
  server: BlobServer,
  matches: (request: LoggedRequest, index: number) => boolean,
): Promise<LoggedRequest> {
  for (;;) {
    const found = (await server.requests()).find(matches);
    if (found !== undefined) {
      return found;
    }
    await delay(POLL_MS);
  }
}
