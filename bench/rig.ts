import { join } from 'node:path';
import { BlobServer } from '../test/lab/blob-server/blob-server.ts';
import {
  type DiskSpec,
  type LabDisk,
  LabDisks,
  type LabFileSystemType,
} from '../test/lab/disks.ts';
import { LAB_DIRECTORY, LAB_TLS } from '../test/lab/lab-paths.ts';
import { millisecondsOf, type Span } from './probe/figures.ts';
import { type ProbeOptions, StallProbe } from './probe/stall-probe.ts';
import { compileProgram } from './process/native-programs.ts';

export interface RigOptions {
  readonly disks: number;
  readonly fileSystems: FileSystemMix;
  /** Of the blob server, from a snapshot request to its answer. */
  readonly latencyMs: number;
  readonly probe: ProbeOptions;
  /** Of each disk; default: the lab's. */
  readonly sizeMb?: number;
}

export const FILE_SYSTEM_MIXES = ['ext4', 'xfs', 'btrfs', 'mixed'] as const;
/** `mixed`: ext4, xfs and btrfs in turn. */
export type FileSystemMix = (typeof FILE_SYSTEM_MIXES)[number];

const MIXED: readonly LabFileSystemType[] = ['ext4', 'xfs', 'btrfs'];
const PROGRAMS = join(LAB_DIRECTORY, 'bench');

/** What is measured on: disks of the lab with a stall probe on each, and the server of their blobs. */
export class Rig implements AsyncDisposable {
  readonly disks: readonly LabDisk[];
  readonly server: BlobServer;
  readonly probe: StallProbe;
  /** Path of the compiled run-measured.c. */
  readonly launcher: string;
  readonly #resources: AsyncDisposableStack;

  private constructor(parts: Parts, resources: AsyncDisposableStack) {
    this.disks = parts.disks.disks;
    this.server = parts.server;
    this.probe = parts.probe;
    this.launcher = parts.launcher;
    this.#resources = resources;
  }

  /** Inside the lab only. Nothing is left where it rejects. */
  static async create(options: RigOptions): Promise<Rig> {
    await using resources = new AsyncDisposableStack();
    const parts = await build(options, resources);
    return new Rig(parts, resources.move());
  }

  /** What is to be snapshotted, in the order of the disks. */
  get targets(): readonly Target[] {
    return this.disks.map(({ mountPoint, device }, index) => ({
      mountPoint,
      device,
      url: this.server.urls[index] ?? '',
    }));
  }

  /**
   * When each disk's snapshot was being taken as the server saw it, from its first request to its last
   * answer; undefined where none was asked for. Only what came after `sinceMs`.
   */
  async snapshotSpans(sinceMs: number): Promise<(Span | undefined)[]> {
    const requests = (await this.server.requests()).filter(
      ({ operation, receivedNs }) =>
        operation === 'snapshot' && millisecondsOf(receivedNs) >= sinceMs,
    );
    return this.disks.map((_, index) => {
      const own = requests.filter(({ blob }) => blob === blobName(index));
      const answered = own.flatMap(({ answeredNs }) => answeredNs ?? []);
      return own.length === 0
        ? undefined
        : {
            startMs: Math.min(...own.map(({ receivedNs }) => millisecondsOf(receivedNs))),
            endMs: Math.max(...answered.map(millisecondsOf)),
          };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

export interface Target {
  readonly mountPoint: string;
  readonly device: string;
  /** Secret: holds the SAS. */
  readonly url: string;
}

export function blobName(disk: number): string {
  return `disk${disk}`;
}

interface Parts {
  readonly disks: LabDisks;
  readonly server: BlobServer;
  readonly probe: StallProbe;
  readonly launcher: string;
}

async function build(options: RigOptions, resources: AsyncDisposableStack): Promise<Parts> {
  const compile = (...path: string[]): Promise<string> =>
    compileProgram(join(import.meta.dirname, ...path), PROGRAMS);
  const [launcher, probeProgram] = await Promise.all([
    compile('process', 'run-measured.c'),
    compile('probe', 'stall-probe.c'),
  ]);
  const disks = resources.use(await LabDisks.create(diskSpecs(options)));
  const server = resources.use(
    await BlobServer.start({
      blobs: disks.disks.map(({ imagePath }, index) => ({ name: blobName(index), imagePath })),
      latency: { kind: 'fixed', ms: options.latencyMs },
      snapshotContent: 'none',
      certificate: {
        caPath: LAB_TLS.caCertificate,
        certPath: LAB_TLS.certificate,
        keyPath: LAB_TLS.key,
      },
    }),
  );
  const files = disks.disks.map(({ mountPoint }) => join(mountPoint, 'stall-probe'));
  const probe = resources.use(await StallProbe.start(probeProgram, files, options.probe));
  return { disks, server, probe, launcher };
}

function diskSpecs({ disks, fileSystems, sizeMb }: RigOptions): DiskSpec[] {
  const types = fileSystems === 'mixed' ? MIXED : [fileSystems];
  return Array.from({ length: disks }, (_, index) => ({
    type: types[index % types.length] ?? 'ext4',
    ...(sizeMb === undefined ? {} : { sizeMb }),
  }));
}
