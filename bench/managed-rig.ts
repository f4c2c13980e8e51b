import { type LabDisk, LabDisks } from '../src/lab/disks.ts';
import { LAB_TLS } from '../src/lab/lab-paths.ts';
import { diskName, LabVm } from '../src/lab/lab-vm.ts';
import { millisecondsOf, type Span } from './probe/figures.ts';
import { ProbedRig, type RigPrograms } from './probed-rig.ts';
import { diskSpecs, mountPointsOf, type Rig, type RigOptions, startProgramsOn } from './rig.ts';

/** How operations go: the time from the request to the end, and the pause until a question that the service asks for. */
export interface Pace {
  readonly operationMs: number;
  readonly retryAfterSeconds: number;
}

/** Disks of the lab with one file system each, which are the managed disks of a VM. */
export class ManagedRig extends ProbedRig implements Rig {
  readonly urls = [];
  readonly blobLines = [];
  readonly caPath = LAB_TLS.caCertificate;
  readonly vm: LabVm;

  private constructor(
    disks: readonly LabDisk[],
    vm: LabVm,
    programs: RigPrograms,
    resources: AsyncDisposableStack,
  ) {
    super(mountPointsOf(disks), programs, resources);
    this.vm = vm;
  }

  /** Inside the lab only. Nothing is left if it rejects. The latency is the time to the 202. */
  static async create(options: RigOptions): Promise<ManagedRig> {
    await using resources = new AsyncDisposableStack();
    const { disks } = resources.use(await LabDisks.create(diskSpecs(options)));
    const vm = resources.use(
      await LabVm.start(disks, {
        snapshotContent: 'none',
        // More snapshots of a disk and more requests a minute than the service takes.
        limits: 'none',
        operation: { answerMs: options.latencyMs, pointInTime: 'end' },
      }),
    );
    const programs = await startProgramsOn(disks, options.probe, resources);
    return new ManagedRig(disks, vm, programs, resources.move());
  }

  get processes(): Readonly<Record<string, number>> {
    return { 'lab server': this.vm.managed.pid ?? 0, 'stall probe': this.probe.pid };
  }

  /** @param slow the pace of so many disks, the first; of the others it is `pace` */
  async setPace(pace: Pace, slow?: { readonly disks: number; readonly pace: Pace }): Promise<void> {
    for (const index of this.mountPoints.keys()) {
      const its = slow !== undefined && index < slow.disks ? slow.pace : pace;
      await this.vm.managed.setOperation(
        { durationMs: its.operationMs, retryAfterSeconds: its.retryAfterSeconds },
        diskName(index),
      );
    }
  }

  /** From the arrival of a disk's request to the end of its operation. The snapshots are of no use any more. */
  async snapshotSpans(sinceMs: number): Promise<(Span | undefined)[]> {
    const { managed } = this.vm;
    const snapshots = await this.vm.whenTaken();
    const calls = await managed.requests(BigInt(Math.round(sinceMs * 1e6)));
    const spans = this.mountPoints.map((_, index): Span | undefined => {
      const put = calls.find(
        ({ call, disk }) => call === 'put-snapshot' && disk === diskName(index),
      );
      const endedNs = snapshots.find(({ name }) => name === put?.resource)?.endedNs;
      return put === undefined || endedNs === undefined
        ? undefined
        : { startMs: millisecondsOf(put.receivedNs), endMs: millisecondsOf(endedNs) };
    });
    await Promise.all(snapshots.map(({ id }) => managed.deleteSnapshot(id)));
    return spans;
  }
}
