import { constants } from 'node:fs';
import { access, open, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { withoutArguments } from '../../config/argument-words.ts';
import { FlashfreezeError } from '../../errors.ts';

/** How much of a program's file is read beforehand at most; larger than nearly any program. */
const MAX_WARMED_BYTES = 64 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;

/**
 * Finds the program that a shell would start, before anything is frozen.
 *
 * @returns its path, which has a slash in it
 * @throws FlashfreezeError FF_COMMAND_NOT_FOUND, FF_COMMAND_NOT_EXECUTABLE
 */
export async function findProgram(name: string, path = process.env.PATH ?? ''): Promise<string> {
  const candidates = candidatesFor(name, path);
  const found = await Promise.all(candidates.map(natureOf));
  const executable = candidates[found.indexOf('executable')];
  if (executable !== undefined) {
    // join() returns "name" for "./name".
    return executable.includes('/') ? executable : `./${executable}`;
  }
  const file = candidates[found.indexOf('file')];
  const shown = withoutArguments(name);
  const remedy =
    shown === name
      ? 'Give its full path.'
      : 'Give the program and its arguments as separate words, not in one pair of quotation marks.';
  throw file === undefined
    ? new FlashfreezeError(
        'FF_COMMAND_NOT_FOUND',
        `"${shown}": program not found${name.includes('/') ? '' : ' in PATH'}; nothing was frozen. ${remedy}`,
      )
    : new FlashfreezeError(
        'FF_COMMAND_NOT_EXECUTABLE',
        `${file}: not executable; nothing was frozen. Give a program, or make the script executable with chmod +x.`,
      );
}

function candidatesFor(name: string, path: string): string[] {
  if (name === '' || name.includes('/')) {
    return name === '' ? [] : [name];
  }
  return path.split(delimiter).map((directory) => join(directory === '' ? '.' : directory, name));
}

async function natureOf(path: string): Promise<'executable' | 'file' | 'none'> {
  const status = await stat(path).catch(() => undefined);
  if (status?.isFile() !== true) {
    return status === undefined ? 'none' : 'file';
  }
  return await access(path, constants.X_OK).then(
    () => 'executable' as const,
    () => 'file' as const,
  );
}

/** Reads the program once, so that its start in the window does not wait for the disk. Never rejects. */
export async function warmProgram(path: string): Promise<void> {
  try {
    await using file = await open(path, 'r');
    const buffer = Buffer.alloc(CHUNK_BYTES);
    for (let at = 0; at < MAX_WARMED_BYTES; at += CHUNK_BYTES) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, at);
      if (bytesRead === 0) {
        return;
      }
    }
  } catch {
    // The program may be executed but not read: its start takes longer.
  }
}
