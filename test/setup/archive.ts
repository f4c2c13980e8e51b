import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../../src/lab/run-command.ts';
import { builtOfSources } from '../built-of-sources.ts';
import { PAYLOAD_SOURCES } from '../extension/payload.ts';

const CHECKOUT = join(import.meta.dirname, '../..');
const CACHE = join(CHECKOUT, 'build/archives');
/** Names the file to the half of a script that runs inside the lab. */
const VARIABLE = 'FLASHFREEZE_LAB_ARCHIVE';
export const VERSION = '1.0.0';
const NAME = `flashfreeze-${VERSION}-linux-${process.arch}.tar.gz`;

/** Makes the archive for one machine by `npm run package -- --tar`, outside the lab. It is reproducible, so it is kept. */
export async function prepareArchive(): Promise<void> {
  process.env[VARIABLE] = join(await builtOfSources(CACHE, PAYLOAD_SOURCES, makeArchive), NAME);
}

/** Inside the lab. */
export function archivePath(): string {
  return process.env[VARIABLE] ?? '';
}

/** Into a folder of its own first, so that the archive is whole or not there, also if this process is killed. */
async function makeArchive(directory: string): Promise<void> {
  const path = join(directory, NAME);
  if (existsSync(path)) {
    return;
  }
  const own = join(directory, `new-${process.pid}`);
  await runCommand('npm', [
    ...['--prefix', CHECKOUT, 'run', '--silent', 'package', '--', '--tar'],
    ...['--version', VERSION, '--out', own],
  ]);
  await rename(join(own, NAME), path);
  await rm(own, { recursive: true });
}
