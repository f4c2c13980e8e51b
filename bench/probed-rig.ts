import { join } from 'node:path';
import { type ProbeOptions, StallProbe } from './probe/stall-probe.ts';
import { compileProgram } from './process/native-programs.ts';

/** The programs of a rig; `probe` runs on a file of each mount point. */
export interface RigPrograms {
  readonly probe: StallProbe;
  /** Path of the compiled run-measured.c. */
  readonly launcher: string;
}

/** What rigs have in common: file systems with a stall probe on each. Disposes of all that it was made with. */
export abstract class ProbedRig implements AsyncDisposable {
  readonly mountPoints: readonly string[];
  readonly probe: StallProbe;
  readonly launcher: string;
  readonly #resources: AsyncDisposableStack;

  protected constructor(
    mountPoints: readonly string[],
    { probe, launcher }: RigPrograms,
    resources: AsyncDisposableStack,
  ) {
    this.mountPoints = mountPoints;
    this.probe = probe;
    this.launcher = launcher;
    this.#resources = resources;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

/**
 * Compiles what every rig needs and starts the probe, which ends with `resources`.
 *
 * @param directory for the compiled programs
 * @param files that the probe makes and writes to, one on each file system
 */
export async function startPrograms(
  directory: string,
  files: readonly string[],
  options: ProbeOptions,
  resources: AsyncDisposableStack,
): Promise<RigPrograms> {
  const compile = (...path: string[]): Promise<string> =>
    compileProgram(join(import.meta.dirname, ...path), directory);
  const [launcher, probeProgram] = await Promise.all([
    compile('process', 'run-measured.c'),
    compile('probe', 'stall-probe.c'),
  ]);
  return { launcher, probe: resources.use(await StallProbe.start(probeProgram, files, options)) };
}
