import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { enterLab } from '../../../src/lab/namespace.ts';
import { suite } from '../../suite.ts';
import { codesOf, quiesceWorkload } from './quiescing.ts';

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

test.run();
