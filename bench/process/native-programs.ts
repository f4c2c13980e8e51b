import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { FlashfreezeError } from '../../src/errors.ts';
import { tryCommand } from '../../src/lab/run-command.ts';

const FLAGS = ['-O2', '-Wall', '-Wextra', '-Werror', '-pthread'];

/**
 * Compiles one of the benchmark's small C programs; resolves to the executable's path. `cc` is there
 * wherever the addon could be built. Throws FF_LAB_UNAVAILABLE with what the compiler said.
 */
export async function compileProgram(
  sourcePath: string,
  directory: string,
  libraries: readonly string[] = [],
): Promise<string> {
  await mkdir(directory, { recursive: true });
  const executable = join(directory, basename(sourcePath, '.c'));
  await compile(sourcePath, ['-o', executable, ...libraries.map((name) => `-l${name}`)]);
  return executable;
}

/** Compiles a library for LD_PRELOAD into `<name>.so`. Throws as `compileProgram` does. */
export async function compileLibrary(sourcePath: string, directory: string): Promise<void> {
  const library = `${basename(sourcePath, '.c')}.so`;
  await compile(sourcePath, ['-shared', '-fPIC', '-o', join(directory, library)]);
}

async function compile(sourcePath: string, options: readonly string[]): Promise<void> {
  const { code, stderr } = await tryCommand('cc', [...FLAGS, sourcePath, ...options]);
  if (code !== 0) {
    throw new FlashfreezeError(
      'FF_LAB_UNAVAILABLE',
      `${sourcePath} could not be compiled with cc: ${stderr.trim()}`,
    );
  }
}
