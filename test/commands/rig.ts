import { BlobServer } from '../../src/lab/blob-server/blob-server.ts';
import { type DiskSpec, LabDisks } from '../../src/lab/disks.ts';
import { LAB_TLS } from '../../src/lab/lab-paths.ts';

/** Lab disks and a blob server whose page blobs are their images. */
export class Rig implements AsyncDisposable {
  readonly disks: LabDisks;
  readonly server: BlobServer;

  private constructor(disks: LabDisks, server: BlobServer) {
    this.disks = disks;
    this.server = server;
  }

  /** A disk for each spec; blob `disk<index>` behind it. */
  static async create(specs: readonly DiskSpec[], latencyMs = 0): Promise<Rig> {
    const disks = await LabDisks.create(specs);
    try {
      const blobs = disks.disks.map(({ imagePath, index }) => ({
        name: `disk${index}`,
        imagePath,
      }));
      const server = await blobServer(blobs, latencyMs);
      return new Rig(disks, server);
    } catch (error) {
      await disks[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** `--blob <url>` for every disk. */
  get blobArguments(): string[] {
    return this.server.urls.flatMap((url) => ['--blob', url]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await this.disks[Symbol.asyncDispose]();
  }
}

/** A blob server whose page blobs are these images. */
export async function blobServer(
  blobs: readonly { readonly name: string; readonly imagePath: string }[],
  latencyMs = 0,
  snapshotContent: 'none' | 'copy' = 'none',
): Promise<BlobServer> {
  return await BlobServer.start({
    blobs,
    latency: { kind: 'fixed', ms: latencyMs },
    snapshotContent,
    certificate: {
      caPath: LAB_TLS.caCertificate,
      certPath: LAB_TLS.certificate,
      keyPath: LAB_TLS.key,
    },
  });
}
