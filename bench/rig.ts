import { join } from 'node:path';
import { BlobServer } from '../src/lab/blob-server/blob-server.ts';
import type { LoggedRequest } from '../src/lab/blob-server/model.ts';
import { type DiskSpec, type LabDisk, LabDisks, type LabFileSystemType } from '../src/lab/disks.ts';
import { LAB_DIRECTORY, LAB_TLS } from '../src/lab/lab-paths.ts';
import { millisecondsOf, type Span } from './probe/figures.ts';
import type { ProbeOptions, StallProbe } from './probe/stall-probe.ts';
import { ProbedRig, type RigPrograms, startPrograms } from './probed-rig.ts';

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

/** What is measured on: file systems with a stall probe on each, and the blobs of their disks. */
export interface Rig extends AsyncDisposable {
  /** In the order of the probe's files. */
  readonly mountPoints: readonly string[];
  /** Secret: hold the SAS. */
  readonly urls: readonly string[];
  /** The same as `--blobs-from` takes them: perhaps with their devices. */
  readonly blobLines: readonly string[];
  /** The blobs' certificate authority, if it is not one of the machine's. */
  readonly caPath: string | undefined;
  readonly probe: StallProbe;
  /** Path of the compiled run-measured.c. */
  readonly launcher: string;
  /** Processes of the rig itself, by name. */
  readonly processes: Readonly<Record<string, number>>;
  /**
   * When the disk of each mount point was being snapshotted as the server saw it, from its first
   * request after `sinceMs` to its last answer; undefined if none was asked for. Undefined as a
   * whole where nobody can look into the server.
   */
  snapshotSpans(sinceMs: number): Promise<readonly (Span | undefined)[] | undefined>;
  /** Deletes snapshots that nobody wants, in the order of `urls`; missing where they go by themselves. */
  discard?(snapshots: readonly (string | null)[]): Promise<void>;
}

/** Disks of the lab with one file system each, and the lab's server of their blobs. */
export class LabRig extends ProbedRig implements Rig {
  readonly disks: readonly LabDisk[];
  readonly server: BlobServer;
  readonly caPath = LAB_TLS.caCertificate;

  private constructor(
    disks: readonly LabDisk[],
    server: BlobServer,
    programs: RigPrograms,
    resources: AsyncDisposableStack,
  ) {
    super(mountPointsOf(disks), programs, resources);
    this.disks = disks;
    this.server = server;
  }

  /** Inside the lab only. Nothing is left if it rejects. */
  static async create(options: RigOptions): Promise<LabRig> {
    await using resources = new AsyncDisposableStack();
    const { disks } = resources.use(await LabDisks.create(diskSpecs(options)));
    const server = resources.use(await startServer(disks, options.latencyMs));
    const programs = await startProgramsOn(disks, options.probe, resources);
    return new LabRig(disks, server, programs, resources.move());
  }

  get urls(): readonly string[] {
    return this.server.urls;
  }

  get blobLines(): readonly string[] {
    return this.urls;
  }

  get processes(): Readonly<Record<string, number>> {
    return { 'lab server': this.server.pid ?? 0, 'stall probe': this.probe.pid };
  }

  async snapshotSpans(sinceMs: number): Promise<(Span | undefined)[]> {
    const logged = await this.server.requests(BigInt(Math.round(sinceMs * 1e6)));
    const requests = Map.groupBy(
      logged.filter(({ operation }) => operation === 'snapshot'),
      ({ blob }) => blob,
    );
    return this.disks.map((_, index) => spanOf(requests.get(blobName(index)) ?? []));
  }
}

export function blobName(disk: number): string {
  return `disk${disk}`;
}

/** From the first request to the last answer, or the last request if none was answered. */
function spanOf(requests: readonly LoggedRequest[]): Span | undefined {
  const stampsMs = requests.flatMap(({ receivedNs, answeredNs }) =>
    [receivedNs, answeredNs ?? receivedNs].map(millisecondsOf),
  );
  return stampsMs.length === 0
    ? undefined
    : { startMs: Math.min(...stampsMs), endMs: Math.max(...stampsMs) };
}

/**
 * V8's compilers took up to 16 ms of processor time from the snapshot that was being measured, whenever code of the server had
 * become hot.
 */
const WITHOUT_COMPILERS = ['--no-opt', '--no-maglev', '--liftoff-only'];

function startServer(disks: readonly LabDisk[], latencyMs: number): Promise<BlobServer> {
  return BlobServer.start({
    blobs: disks.map(({ imagePath }, index) => ({ name: blobName(index), imagePath })),
    latency: { kind: 'fixed', ms: latencyMs },
    snapshotContent: 'none',
    nodeOptions: WITHOUT_COMPILERS,
    certificate: {
      caPath: LAB_TLS.caCertificate,
      certPath: LAB_TLS.certificate,
      keyPath: LAB_TLS.key,
    },
  });
}

/** The programs of a rig on disks of the lab. */
export function startProgramsOn(
  disks: readonly LabDisk[],
  options: ProbeOptions,
  resources: AsyncDisposableStack,
): Promise<RigPrograms> {
  const files = mountPointsOf(disks).map((mountPoint) => join(mountPoint, 'stall-probe'));
  return startPrograms(join(LAB_DIRECTORY, 'bench'), files, options, resources);
}

export function mountPointsOf(disks: readonly LabDisk[]): string[] {
  return disks.map(({ mountPoint }) => mountPoint);
}

export function diskSpecs({ disks, fileSystems, sizeMb }: RigOptions): DiskSpec[] {
  const types = fileSystems === 'mixed' ? MIXED : [fileSystems];
  return Array.from({ length: disks }, (_, index) => ({
    type: types[index % types.length] ?? 'ext4',
    ...(sizeMb === undefined ? {} : { sizeMb }),
  }));
}
