import { readdir, readFile, realpath } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import type { DatabasePart } from './file-locations.ts';

/** Variables that say where a part lies; relative ones are relative to the data directory. */
export const MYSQL_PLACES = [
  { variable: 'datadir', what: 'the data directory', isFile: false },
  { variable: 'innodb_data_home_dir', what: 'the InnoDB tablespaces', isFile: false },
  { variable: 'innodb_log_group_home_dir', what: 'the redo log', isFile: false },
  { variable: 'innodb_undo_directory', what: 'the undo log', isFile: false },
  { variable: 'log_bin_basename', what: 'the binary log', isFile: true },
  { variable: 'relay_log_basename', what: 'the relay log', isFile: true },
] as const;

/**
 * Data directory, logs, and every table or tablespace elsewhere. Rejects with the system's error if a path
 * cannot be looked at.
 *
 * @param variables the server's, as far as they are in `MYSQL_PLACES`
 * @param files of InnoDB, as MySQL lists them
 */
export async function mysqlParts(
  variables: ReadonlyMap<string, string>,
  files: readonly string[],
): Promise<DatabasePart[]> {
  const dataDirectory = await realpath(variables.get('datadir') ?? '/');
  const configured = await Promise.all(
    MYSQL_PLACES.map(async ({ variable, what, isFile }) => {
      const value = variables.get(variable);
      if (value === undefined || value === '' || value === 'NULL') {
        return [];
      }
      const path = resolve(dataDirectory, value);
      return [{ what, path: await realpath(isFile ? join(path, '..') : path) }];
    }),
  );
  const elsewhere = files
    .filter((file) => isAbsolute(file) && !file.startsWith(`${dataDirectory}/`))
    .map((path) => ({ what: 'the InnoDB file', path }));
  return [...configured.flat(), ...elsewhere, ...(await linkedParts(dataDirectory))];
}

/** Tables and tablespaces that only a symbolic link or an InnoDB `.isl` file in the data directory names. */
async function linkedParts(dataDirectory: string): Promise<DatabasePart[]> {
  const entries = await readdir(dataDirectory, { recursive: true, withFileTypes: true });
  const parts = await Promise.all(
    entries.map(async (entry) => {
      const path = join(entry.parentPath, entry.name);
      if (entry.isSymbolicLink()) {
        return [{ what: `${entry.name}`, path: await realpath(path) }];
      }
      if (entry.isFile() && entry.name.endsWith('.isl')) {
        const target = (await readFile(path, 'utf8')).trim();
        return [{ what: `${entry.name}`, path: await realpath(resolve(dataDirectory, target)) }];
      }
      return [];
    }),
  );
  return parts.flat();
}
