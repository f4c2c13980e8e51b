import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

const FOLDER = '/lab/drill';
const PROGRAMS = '/lab/bin';
const MAIN = join(import.meta.dirname, '../flashfreeze.js');

/**
 * Runs a shell on this process's standard streams, with `flashfreeze` in its path, in a folder with a container.txt. Inside
 * the lab only.
 *
 * @param container its URL with a SAS
 * @returns the exit code of the shell
 */
export async function runShell(container: string): Promise<number> {
  await mkdir(FOLDER, { recursive: true });
  await mkdir(PROGRAMS, { recursive: true });
  await writeFile(join(FOLDER, 'container.txt'), `${container}\n`, { mode: 0o600 });
  const program = `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`;
  await writeFile(join(PROGRAMS, 'flashfreeze'), program, { mode: 0o755 });
  const child = spawn(process.env.SHELL || '/bin/sh', [], {
    stdio: 'inherit',
    cwd: FOLDER,
    env: { ...process.env, PATH: [PROGRAMS, process.env.PATH].join(delimiter) },
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 128;
}
