import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { linesOf } from '../src/commands/snapshot-options.ts';
import { machineProxy } from '../src/config/machine-proxy.ts';
import { readVmBackupConfiguration } from '../src/config/vmbackup.ts';
import { FlashfreezeError } from '../src/errors.ts';
import type { FileSystem } from '../src/filesystems/plan-types.ts';
import { readPlan } from '../src/filesystems/read-plan.ts';
import { deleteSnapshot } from '../src/snapshot/blob/delete-snapshot.ts';
import { type LabScenarioOptions, probeOptions } from './options.ts';
import { ProbedRig, type RigPrograms, startPrograms } from './probed-rig.ts';
import type { Rig } from './rig.ts';

export interface RealOptions {
  readonly real?: boolean;
  /** Path of a file of blob URLs, or `device=URL`, a line each. */
  readonly blobsFrom?: string;
  readonly yes?: boolean;
}

export function addRealOptions(command: Command): void {
  command
    .option('--real', 'on this machine’s own file systems and the blobs given, not in the lab')
    .option('--blobs-from <file>', 'with --real: a blob’s SAS URL, or device=URL, a line each')
    .option('--yes', 'with --real: do not ask before freezing');
}

/** This machine's own file systems, as `flashfreeze snapshot` would freeze them, and given blobs. */
export class RealRig extends ProbedRig implements Rig {
  readonly blobLines: readonly string[];
  readonly caPath = process.env.NODE_EXTRA_CA_CERTS;

  private constructor(
    mountPoints: readonly string[],
    blobLines: readonly string[],
    programs: RigPrograms,
    resources: AsyncDisposableStack,
  ) {
    super(mountPoints, programs, resources);
    this.blobLines = blobLines;
  }

  /** Puts a file for the probe on each file system; they are removed with the rig. */
  static async open(options: RealOptions & LabScenarioOptions): Promise<RealRig> {
    await using resources = new AsyncDisposableStack();
    const mountPoints = (await plannedFileSystems()).map(({ mountPoint }) => mountPoint);
    const directory = await mkdtemp(join(tmpdir(), 'flashfreeze-bench-'));
    resources.defer(() => rm(directory, { recursive: true, force: true }));
    const files = mountPoints.map((path) => join(path, '.flashfreeze-stall-probe'));
    resources.defer(async () => {
      await Promise.all(files.map((file) => rm(file, { force: true })));
    });
    const probe = probeOptions(options, files.length);
    const programs = await startPrograms(directory, files, probe, resources);
    return new RealRig(mountPoints, blobLinesOf(options), programs, resources.move());
  }

  get urls(): readonly string[] {
    return this.blobLines.map((line) => line.replace(/^\/[^=]*=/, ''));
  }

  get processes(): Readonly<Record<string, number>> {
    return { 'stall probe': this.probe.pid };
  }

  /** The server is somebody else's. */
  snapshotSpans(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async discard(snapshots: readonly (string | null)[]): Promise<void> {
    const proxyFor = machineProxy();
    await Promise.all(
      this.urls.map(async (url, index) => {
        const snapshot = snapshots[index] ?? null;
        return snapshot === null ? undefined : await deleteSnapshot(url, snapshot, proxyFor(url));
      }),
    );
  }
}

/**
 * Says what will be frozen and how often, and asks. Throws FF_USAGE if the answer is not yes, and
 * if there is nobody to ask.
 */
export async function confirmReal(options: RealOptions & LabScenarioOptions): Promise<void> {
  if (options.real !== true) {
    return;
  }
  const blobs = blobLinesOf(options);
  const fileSystems = await plannedFileSystems();
  process.stderr.write(
    [
      `This freezes ${fileSystems.length} file systems of this machine, for some ms each, ${options.rounds + 1} times for each tool:`,
      ...fileSystems.map(({ mountPoint, type }) => `  ${mountPoint} (${type})`),
      `and takes as many snapshots of each of ${blobs.length} blobs. They are deleted again if the SAS permits it`,
      '(d); those of other tools stay. Premium page blobs allow one every 10 minutes.',
      '',
    ].join('\n'),
  );
  if (options.yes !== true && !(await isConfirmed())) {
    throw new FlashfreezeError('FF_USAGE', 'not confirmed; nothing was frozen');
  }
}

async function isConfirmed(): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new FlashfreezeError('FF_USAGE', '--real: nobody to ask; give --yes to go on unasked');
  }
  using questions = createInterface({ input: process.stdin, output: process.stderr });
  return (await questions.question('Go on? (yes/no) ')).trim() === 'yes';
}

async function plannedFileSystems(): Promise<readonly FileSystem[]> {
  const { configuration } = readVmBackupConfiguration();
  const { fileSystems } = await readPlan({ include: [], skip: configuration.mountsToSkip });
  return fileSystems;
}

function blobLinesOf({ blobsFrom }: RealOptions): string[] {
  if (blobsFrom === undefined || blobsFrom === '-') {
    throw new FlashfreezeError(
      'FF_USAGE',
      '--real needs --blobs-from <file>, with the SAS URL of each disk’s blob on a line of its own',
    );
  }
  const lines = linesOf(blobsFrom, '--blobs-from');
  if (lines.length === 0) {
    throw new FlashfreezeError(
      'FF_USAGE',
      `--blobs-from ${blobsFrom}: holds no URL; expected the SAS URL of each disk’s blob on a line of its own`,
    );
  }
  return lines;
}
