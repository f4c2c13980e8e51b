import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseFault } from './fault.ts';

const SEARCHED = ['/usr/local/bin', '/usr/bin', '/bin', '/opt/bin'];

/**
 * The client program: `command_path` itself, or one of the names in the directory it names, else in the
 * usual directories.
 *
 * @throws DatabaseFault 500 if there is none
 */
export function findClient(commandPath: string, names: readonly string[]): string {
  if (commandPath !== '' && isProgram(commandPath)) {
    return commandPath;
  }
  const directories = commandPath === '' ? SEARCHED : [commandPath];
  const found = directories
    .flatMap((directory) => names.map((name) => join(directory, name)))
    .find(isProgram);
  if (found === undefined) {
    throw new DatabaseFault(
      500,
      `the client ${names.join(' or ')} was not found in ${directories.join(', ')}; command_path must name it or its directory`,
    );
  }
  return found;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
