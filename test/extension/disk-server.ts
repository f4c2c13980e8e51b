import { setTimeout as delay } from 'node:timers/promises';
import { BlobServer } from '../../src/lab/blob-server/blob-server.ts';
import type { BlobServerOptions } from '../../src/lab/blob-server/model.ts';
import { LAB_TLS } from '../../src/lab/lab-paths.ts';
import type { Scene } from './scene.ts';

const POLL_MS = 20;

/** A blob server for the disks of a scene's guest: unlike Azurite it can be slow, and sees when it is asked. */
export async function startDiskServer(
  { guest }: Scene,
  latencyMs: number,
  snapshotContent: NonNullable<BlobServerOptions['snapshotContent']> = 'none',
): Promise<BlobServer> {
  return await BlobServer.start({
    blobs: guest.blobSources.map(({ imagePath }, index) => ({ name: `disk${index}`, imagePath })),
    latency: { kind: 'fixed', ms: latencyMs },
    snapshotContent,
    certificate: {
      caPath: LAB_TLS.caCertificate,
      certPath: LAB_TLS.certificate,
      keyPath: LAB_TLS.key,
    },
  });
}

/**
 * Resolves when the server has been asked for a snapshot of every disk: then everything is frozen, and no FIFREEZE is
 * under way. After the first request one may still be: a slow freeze sends requests before the barrier.
 *
 * @param sent the settings that begin the run; rejects if nothing runs in the guest any more before all were asked
 */
export async function untilFrozen(
  { guest }: Scene,
  server: BlobServer,
  sent: Promise<unknown>,
): Promise<void> {
  let hasBegun = false;
  const begun = (): void => {
    hasBegun = true;
  };
  sent.then(begun, begun);
  for (;;) {
    // Looked at first: the last request may come between the two looks.
    const isOver = hasBegun && guest.processes().length === 0;
    const asked = (await server.requests()).filter(({ operation }) => operation === 'snapshot');
    const disks = new Set(asked.map(({ blob }) => blob));
    if (disks.size === server.urls.length) {
      return;
    }
    if (isOver) {
      throw new Error(`the run ended when only these disks were asked: ${[...disks].join(', ')}`);
    }
    await delay(POLL_MS);
  }
}
