import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { FlashfreezeError } from '../errors.ts';
import type { Architecture } from './options.ts';

const run = promisify(execFile);
const OUTPUT_LIMIT_BYTES = 64 * 2 ** 20;

/** Debian's prefixes of the tools for other architectures. */
export const GNU_TRIPLETS: Readonly<Record<Architecture, string>> = {
  x64: 'x86_64-linux-gnu',
  arm64: 'aarch64-linux-gnu',
};

/** `strip` → `aarch64-linux-gnu-strip` if the architecture is not this machine's. */
export function toolFor(architecture: Architecture, tool: string): string {
  return architecture === process.arch ? tool : `${GNU_TRIPLETS[architecture]}-${tool}`;
}

/** Runs a tool and returns its standard output. Throws `FF_PACKAGE_FAILED` with its error output. */
export async function runTool(
  tool: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  try {
    const { stdout } = await run(tool, args, { ...options, maxBuffer: OUTPUT_LIMIT_BYTES });
    return stdout;
  } catch (error) {
    throw new FlashfreezeError('FF_PACKAGE_FAILED', failureOf(tool, error));
  }
}

function failureOf(tool: string, error: unknown): string {
  if (!(error instanceof Error)) {
    return `${tool}: ${String(error)}`;
  }
  if ('code' in error && error.code === 'ENOENT') {
    return `${tool} is not installed (Debian: g++ and binutils, for another architecture g++-aarch64-linux-gnu; dpkg for --deb, rpm for --rpm)`;
  }
  const said = 'stderr' in error ? String(error.stderr).trim() : '';
  return `${tool} failed: ${said === '' ? error.message : said}`;
}
