import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const PROGRAM = join(import.meta.dirname, 'fixtures/mysql.sh');

/** The identity that the stand-in tells. */
export const STAND_IN_UUID = '1a2b3c4d-0000-11ef-8000-0242ac110002';

/**
 * Puts the stand-in for MySQL's client into this directory, with a data directory.
 *
 * @param uuid what the data directory says
 * @returns the text of its workload.conf
 */
export function makeStandIn(directory: string, version: string, uuid: string): string {
  mkdirSync(join(directory, 'data'), { recursive: true });
  writeFileSync(join(directory, 'data/auto.cnf'), `[auto]\nserver-uuid=${uuid}\n`);
  writeFileSync(join(directory, 'version'), version);
  writeFileSync(join(directory, 'files'), './one/table.ibd\n');
  copyFileSync(PROGRAM, join(directory, 'mysql'));
  chmodSync(join(directory, 'mysql'), 0o755);
  return `[workload]\nworkload_name = mysql\nlinux_user = root\ncommand_path = ${directory}\nrole = slave\ntimeout = 10\n`;
}
