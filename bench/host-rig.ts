import { join } from 'node:path';
import { type LabDisk, LabDisks } from '../test/lab/disks.ts';
import { LabHost } from '../test/lab/host/lab-host.ts';
import { LAB_DIRECTORY } from '../test/lab/lab-paths.ts';
import { millisecondsOf, type Span } from './probe/figures.ts';
import { StallProbe } from './probe/stall-probe.ts';
import { compilePrograms, diskSpecs, type Rig, type RigOptions } from './rig.ts';

const PROGRAMS = join(LAB_DIRECTORY, 'bench');

/** Disks of the lab with one file system each, and a host that snapshots them all with one call. */
export class HostRig implements Rig {
  readonly urls = [];
  readonly blobLines = [];
  readonly caPath = undefined;
  readonly disks: readonly LabDisk[];
  readonly host: LabHost;
  readonly probe: StallProbe;
  readonly launcher: string;
  readonly #resources: AsyncDisposableStack;

  private constructor(parts: Parts, resources: AsyncDisposableStack) {
    this.disks = parts.disks.disks;
    this.host = parts.host;
    this.probe = parts.probe;
    this.launcher = parts.launcher;
    this.#resources = resources;
  }

  /** Inside the lab only. Nothing is left where it rejects. */
  static async create(options: RigOptions): Promise<HostRig> {
    await using resources = new AsyncDisposableStack();
    const { launcher, probeProgram } = await compilePrograms(PROGRAMS);
    const disks = resources.use(await LabDisks.create(diskSpecs(options)));
    const luns = disks.disks.map((_, lun) => ({ lun }));
    const host = resources.use(
      await LabHost.start({ at: 'wire-server', disks: luns, latencyMs: options.latencyMs }),
    );
    const files = disks.disks.map(({ mountPoint }) => join(mountPoint, 'stall-probe'));
    const probe = resources.use(await StallProbe.start(probeProgram, files, options.probe));
    return new HostRig({ disks, host, probe, launcher }, resources.move());
  }

  get mountPoints(): readonly string[] {
    return this.disks.map(({ mountPoint }) => mountPoint);
  }

  get processes(): Readonly<Record<string, number>> {
    return { 'lab host': this.host.pid ?? 0, 'stall probe': this.probe.pid };
  }

  /** The one call is every disk's. */
  async snapshotSpans(sinceMs: number): Promise<(Span | undefined)[]> {
    const span = await this.callSpan(sinceMs);
    return this.disks.map(() => span);
  }

  /** From the arrival of do-snapshot at the host to its answer; undefined where there was none. */
  async callSpan(sinceMs: number): Promise<Span | undefined> {
    const calls = (await this.host.requests()).filter(
      ({ call, receivedNs }) => call === 'do-snapshot' && millisecondsOf(receivedNs) >= sinceMs,
    );
    const [first] = calls;
    return first === undefined
      ? undefined
      : {
          startMs: millisecondsOf(first.receivedNs),
          endMs: millisecondsOf(first.answeredNs ?? first.receivedNs),
        };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

interface Parts {
  readonly disks: LabDisks;
  readonly host: LabHost;
  readonly probe: StallProbe;
  readonly launcher: string;
}
