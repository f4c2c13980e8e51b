import { readdir, readFile, realpath } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import type { DatabasePart } from './file-locations.ts';

/** Variables that say where a part lies; relative ones are relative to the data directory. */
const MYSQL_PLACES = [
  { variable: 'datadir', what: 'the data directory', isFile: false },
  { variable: 'innodb_data_home_dir', what: 'the InnoDB tablespaces', isFile: false },
  { variable: 'innodb_log_group_home_dir', what: 'the redo log', isFile: false },
  { variable: 'innodb_undo_directory', what: 'the undo log', isFile: false },
  { variable: 'innodb_doublewrite_dir', what: 'the doublewrite files', isFile: false },
  { variable: 'aria_log_dir_path', what: 'the Aria log', isFile: false },
  { variable: 'rocksdb_datadir', what: 'the MyRocks data', isFile: false },
  { variable: 'rocksdb_wal_dir', what: 'the MyRocks log', isFile: false },
  { variable: 'log_bin_basename', what: 'the binary log', isFile: true },
  { variable: 'relay_log_basename', what: 'the relay log', isFile: true },
] as const;

/** The files of InnoDB's system tablespace, relative to `innodb_data_home_dir`: `ibdata1:12M;/more/ibdata2:1G:autoextend`. */
const SYSTEM_TABLESPACE = 'innodb_data_file_path';

/** The variables that `mysqlParts` needs. */
export const MYSQL_VARIABLES: readonly string[] = [
  ...MYSQL_PLACES.map(({ variable }) => variable),
  SYSTEM_TABLESPACE,
];

/**
 * Data directory, logs, and every table or tablespace elsewhere. Rejects with the system's error if a path
 * cannot be looked at.
 *
 * @param variables the server's, as far as they are in `MYSQL_VARIABLES`
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
  const homeDirectory = resolve(dataDirectory, variables.get('innodb_data_home_dir') ?? '');
  const system = await Promise.all(
    systemFiles(variables.get(SYSTEM_TABLESPACE) ?? '').map(async (file) => ({
      what: "InnoDB's system tablespace",
      path: await realpath(resolve(homeDirectory, file)),
    })),
  );
  const elsewhere = files
    .filter((file) => isAbsolute(file) && !file.startsWith(`${dataDirectory}/`))
    .map((path) => ({ what: 'the InnoDB file', path }));
  const linked = await linkedParts(dataDirectory);
  return [...configured.flat(), ...system, ...elsewhere, ...linked];
}

/** The paths in the value of `innodb_data_file_path`. Pure. */
export function systemFiles(value: string): string[] {
  return value.split(';').flatMap((item) => /^\s*(.+?):\d+\s*[KMG]?/i.exec(item)?.[1] ?? []);
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
