import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import {
  chmod,
  copyFile,
  link,
  mkdir,
  mkdtemp,
  open,
  readFile,
  rename,
  rm,
} from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FlashfreezeError } from '../errors.ts';
import { reasonOf } from '../system/errno.ts';
import { PAYLOAD_FILES, type Places } from './places.ts';

/** Folders that are being filled begin with this. */
export const UNFINISHED = '.new-';
/** Against a program that hangs; a start on a busy machine takes seconds. */
const START_LIMIT_MS = 120_000;

/**
 * Copies (of a package: links) the program's files to a folder below the prefix that is named after their version and content, unless it is
 * there. Other versions stay as they are, so a run that uses one of them goes on.
 *
 * @returns the name of the folder
 * @throws FlashfreezeError FF_SETUP_FAILED
 */
export async function putVersion(source: string, { prefix, isPackaged }: Places): Promise<string> {
  const name = `${await versionOf(source)}-${await digestOf(source)}`;
  const target = join(prefix, name);
  if (existsSync(target)) {
    return name;
  }
  const unfinished = await mkdtemp(join(prefix, UNFINISHED));
  try {
    await (isPackaged ? linkFiles : copyFiles)(source, unfinished);
    await requireThatItRuns(unfinished);
    await rename(unfinished, target);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return name;
}

async function versionOf(source: string): Promise<string> {
  const path = join(source, 'package.json');
  const { version } = JSON.parse(await readFile(path, 'utf8')) as { readonly version?: unknown };
  if (typeof version !== 'string' || !/^[\w.]+$/.test(version)) {
    throw new FlashfreezeError(
      'FF_SETUP_FAILED',
      `${path} names no version; unpack the archive again`,
    );
  }
  return version;
}

async function digestOf(source: string): Promise<string> {
  const hash = createHash('sha256');
  for (const { name } of PAYLOAD_FILES) {
    hash.update(`${name}\0`);
    for await (const chunk of createReadStream(join(source, name))) {
      hash.update(chunk);
    }
  }
  return hash.digest('hex').slice(0, 12);
}

async function copyFiles(source: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const { name, mode } of PAYLOAD_FILES) {
    const path = join(folder, name);
    await copyFile(join(source, name), path);
    await chmod(path, mode);
    // A power failure after the switch must not leave a version without content.
    await using file = await open(path, 'r');
    await file.sync();
  }
  await chmod(folder, 0o755);
}

/** The files of a package take no room twice; dpkg and rpm replace names, not contents. */
async function linkFiles(source: string, folder: string): Promise<void> {
  for (const { name } of PAYLOAD_FILES) {
    await link(join(source, name), join(folder, name));
  }
  await chmod(folder, 0o755);
}

async function requireThatItRuns(folder: string): Promise<void> {
  try {
    const options = { timeout: START_LIMIT_MS, cwd: '/' };
    await promisify(execFile)(join(folder, 'flashfreeze'), ['--version'], options);
  } catch (error) {
    throw new FlashfreezeError(
      'FF_SETUP_FAILED',
      `the copied program does not run (${reasonOf(error)}); expected a --prefix on a file system that is not mounted noexec`,
    );
  }
}
