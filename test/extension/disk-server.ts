import { setTimeout as delay } from 'node:timers/promises';
import { BlobServer } from '../../src/lab/blob-server/blob-server.ts';
import type { BlobServerOptions } from '../../src/lab/blob-server/model.ts';
import { LAB_TLS } from '../../src/lab/lab-paths.ts';
import type { Scene } from './scene.ts';

const POLL_MS = 5;

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

/** Resolves when the server has been asked for a snapshot: then everything is about to be frozen, or is. */
export async function untilSnapshotRequested(server: BlobServer): Promise<void> {
  const asked = async (): Promise<boolean> =>
    (await server.requests()).some(({ operation }) => operation === 'snapshot');
  while (!(await asked())) {
    await delay(POLL_MS);
  }
}
