import { readFileSync } from 'node:fs';
import { arch, cpus, hostname, loadavg, release, totalmem } from 'node:os';
import packageJson from '../package.json' with { type: 'json' };
import { tryCommand } from '../src/lab/run-command.ts';

/** Where and with what something was measured. */
export interface Machine {
  /** Missing in results of older versions. */
  readonly host?: string;
  readonly kernel: string;
  readonly architecture: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryMb: number;
  readonly loadAverage: readonly number[];
  readonly versions: Readonly<Record<string, string>>;
}

/** After the measurement, because that may have installed what it calls. */
export async function describeMachine(): Promise<Machine> {
  const processors = cpus();
  return {
    host: hostname(),
    kernel: release(),
    architecture: arch(),
    processor: processors[0]?.model.trim() || processorName(),
    cores: processors.length,
    memoryMb: Math.round(totalmem() / 2 ** 20),
    loadAverage: loadavg(),
    versions: {
      flashfreeze: packageJson.version,
      node: process.versions.node,
      undici: packageJson.dependencies.undici,
      piscina: packageJson.dependencies.piscina,
      '@azure/storage-blob': packageJson.dependencies['@azure/storage-blob'],
      ...(await programVersions()),
    },
  };
}

/** As far as they are installed. */
async function programVersions(): Promise<Record<string, string>> {
  const said = await Promise.all(
    ['curl', 'fsfreeze', 'qemu-ga'].map(async (program) => [program, await versionOf(program)]),
  );
  return Object.fromEntries(said.filter(([, version]) => version !== undefined));
}

async function versionOf(program: string): Promise<string | undefined> {
  try {
    const { stdout } = await tryCommand(program, ['--version']);
    return /\d+(\.\d+)+/.exec(stdout)?.[0];
  } catch {
    return undefined;
  }
}

function processorName(): string {
  try {
    return /^model name\s*:\s*(.+)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? 'unknown';
  } catch {
    return 'unknown';
  }
}
