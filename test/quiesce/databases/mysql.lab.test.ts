import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { enterLab } from '../../../src/lab/namespace.ts';
import { runCommand } from '../../../src/lab/run-command.ts';
import { suite } from '../../suite.ts';
import { codesOf, planned, quiesceWorkload } from './quiescing.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('MySQL (a stand-in for its client)');
const STAND_IN = join(import.meta.dirname, 'fixtures/mysql.sh');

const UUID = '1a2b3c4d-0000-11ef-8000-0242ac110002';

/** A folder with the stand-in and a data directory. @returns its path, and the workload */
function server(version: string, uuid: string): { directory: string; workload: string } {
  const directory = mkdtempSync('/lab/mysql-');
  mkdirSync(join(directory, 'data'));
  writeFileSync(join(directory, 'data/auto.cnf'), `[auto]\nserver-uuid=${uuid}\n`);
  writeFileSync(join(directory, 'version'), version);
  writeFileSync(join(directory, 'files'), './one/table.ibd\n');
  copyFileSync(STAND_IN, join(directory, 'mysql'));
  chmodSync(join(directory, 'mysql'), 0o755);
  return {
    directory,
    workload: `[workload]\nworkload_name = mysql\nlinux_user = root\ncommand_path = ${directory}\nrole = slave\ntimeout = 10\n`,
  };
}

for (const [version, word] of [
  ['8.0.21', 'SLAVE'],
  ['8.0.22', 'REPLICA'],
] as const) {
  test(`${version} is told to stop and start its ${word} SQL_THREAD`, async () => {
    const { directory, workload } = server(version, UUID.toUpperCase());
    const { application, said, message } = await quiesceWorkload(workload);
    assert.is(said, 'freeze', message);
    await application.resume();
    assert.equal(codesOf(application), []);
    const told = readFileSync(join(directory, 'trace'), 'utf8')
      .split('\n')
      .filter((line) => /^(?:STOP|START) /.test(line));
    assert.equal(told, [`STOP ${word} SQL_THREAD;`, `START ${word} SQL_THREAD;`]);
  });
}

test('a server elsewhere, at whose place another server keeps its files on this machine, or none does: 500', async () => {
  const other = server('8.0.22', UUID.replace('1a', '1b'));
  const none = server('8.0.22', UUID);
  rmSync(join(none.directory, 'data/auto.cnf'));
  for (const [{ directory, workload }, words] of [
    [other, `${other.directory}/data, but not in the directory of that name on this machine`],
    [none, 'auto.cnf'],
  ] as const) {
    const { said, message } = await quiesceWorkload(workload);
    assert.is(said, 'freeze 500', message);
    assert.match(message, words);
    assert.not.match(readFileSync(join(directory, 'trace'), 'utf8'), /^(?:STOP|FLUSH) /m);
  }
});

/** Mounts an ext4 of its own here. */
async function mountAt(mountPoint: string): Promise<void> {
  const image = `${mountPoint}.image`;
  mkdirSync(mountPoint);
  writeFileSync(image, '');
  truncateSync(image, 8 << 20);
  await runCommand('mkfs.ext4', ['-q', '-F', image]);
  await runCommand('mount', ['-o', 'loop', image, mountPoint]);
}

for (const [name, place, words] of [
  [
    'a file system mounted below the data directory',
    'data/big',
    'a file system below the data directory',
  ],
  [
    'a table in a directory whose name begins like that of the data directory',
    'data-2',
    'the InnoDB file',
  ],
] as const) {
  test(`${name} is part of the server: 500 if it lies outside`, async () => {
    const { directory, workload } = server('8.0.22', UUID);
    const mountPoint = join(directory, place);
    await mountAt(mountPoint);
    writeFileSync(join(mountPoint, 'table.ibd'), '');
    if (place === 'data-2') {
      writeFileSync(join(directory, 'files'), `./one/table.ibd\n${mountPoint}/table.ibd\n`);
    }
    const outside = await quiesceWorkload(workload);
    await outside.application.resume();
    assert.is(outside.said, 'freeze 500', outside.message);
    assert.match(outside.message, `${words} ${mountPoint}`);
    const both = [planned('/lab'), planned(mountPoint, ['sdy'])];
    const covered = await quiesceWorkload(workload, { fileSystems: both });
    await covered.application.resume();
    assert.is(covered.said, 'freeze', covered.message);
  });
}

test.run();
