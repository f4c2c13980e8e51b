import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../../src/lab/run-command.ts';

/** The C programs in `programs/`. */
export type ProgramName = 'permission-daemon' | 'silent-daemon' | 'fuse-image-server';

/** On the lab's tmpfs: it is removed with the lab. */
const DIRECTORY = '/lab/deadlock-programs';
const compiled = new Map<ProgramName, Promise<string>>();

/** Compiles a program once; resolves to its path. */
export function compile(name: ProgramName): Promise<string> {
  const known = compiled.get(name) ?? compileNow(name);
  compiled.set(name, known);
  return known;
}

async function compileNow(name: ProgramName): Promise<string> {
  await mkdir(DIRECTORY, { recursive: true });
  const program = join(DIRECTORY, name);
  const source = join(import.meta.dirname, 'programs', `${name}.c`);
  await runCommand('g++', ['-x', 'c', '-O1', '-Wall', '-Wextra', '-Werror', '-o', program, source]);
  return program;
}
