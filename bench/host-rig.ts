import { type LabDisk, LabDisks } from '../src/lab/disks.ts';
import { LabHost } from '../src/lab/host/lab-host.ts';
import { millisecondsOf, type Span } from './probe/figures.ts';
import { ProbedRig, type RigPrograms } from './probed-rig.ts';
import { diskSpecs, mountPointsOf, type Rig, type RigOptions, startProgramsOn } from './rig.ts';

/** Disks of the lab with one file system each, and a host that snapshots them all with one call. */
export class HostRig extends ProbedRig implements Rig {
  readonly urls = [];
  readonly blobLines = [];
  readonly caPath = undefined;
  readonly host: LabHost;

  private constructor(
    disks: readonly LabDisk[],
    host: LabHost,
    programs: RigPrograms,
    resources: AsyncDisposableStack,
  ) {
    super(mountPointsOf(disks), programs, resources);
    this.host = host;
  }

  /** Inside the lab only. Nothing is left if it rejects. */
  static async create(options: RigOptions): Promise<HostRig> {
    await using resources = new AsyncDisposableStack();
    const { disks } = resources.use(await LabDisks.create(diskSpecs(options)));
    const luns = disks.map((_, lun) => ({ lun }));
    const host = resources.use(
      await LabHost.start({ at: 'wire-server', disks: luns, latencyMs: options.latencyMs }),
    );
    const programs = await startProgramsOn(disks, options.probe, resources);
    return new HostRig(disks, host, programs, resources.move());
  }

  get processes(): Readonly<Record<string, number>> {
    return { 'lab host': this.host.pid ?? 0, 'stall probe': this.probe.pid };
  }

  /** The one call is every disk's. */
  async snapshotSpans(sinceMs: number): Promise<(Span | undefined)[]> {
    const span = await this.callSpan(sinceMs);
    return this.mountPoints.map(() => span);
  }

  /** From the arrival of do-snapshot at the host to its answer; undefined if there was none. */
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
}
