import { readFileSync } from 'node:fs';
import { arch, cpus, loadavg, release, totalmem } from 'node:os';
import packageJson from '../package.json' with { type: 'json' };

/** Where and with what something was measured. */
export interface Machine {
  readonly kernel: string;
  readonly architecture: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryMb: number;
  readonly loadAverage: readonly number[];
  readonly versions: Readonly<Record<string, string>>;
}

export function describeMachine(): Machine {
  const processors = cpus();
  return {
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
    },
  };
}

function processorName(): string {
  try {
    return /^model name\s*:\s*(.+)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? 'unknown';
  } catch {
    return 'unknown';
  }
}
