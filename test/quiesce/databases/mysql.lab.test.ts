import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
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

for (const [version, word] of [
  ['8.0.21', 'SLAVE'],
  ['8.0.22', 'REPLICA'],
] as const) {
  test(`${version} is told to stop and start its ${word} SQL_THREAD`, async () => {
    const directory = mkdtempSync('/lab/mysql-');
    mkdirSync(join(directory, 'data'));
    writeFileSync(join(directory, 'version'), version);
    copyFileSync(STAND_IN, join(directory, 'mysql'));
    chmodSync(join(directory, 'mysql'), 0o755);
    const { application, said, message } = await quiesceWorkload(
      `[workload]\nworkload_name = mysql\nlinux_user = root\ncommand_path = ${directory}\nrole = slave\ntimeout = 10\n`,
    );
    assert.is(said, 'freeze', message);
    await application.resume();
    assert.equal(codesOf(application), []);
    const told = readFileSync(join(directory, 'trace'), 'utf8')
      .split('\n')
      .filter((line) => /^(?:STOP|START) /.test(line));
    assert.equal(told, [`STOP ${word} SQL_THREAD;`, `START ${word} SQL_THREAD;`]);
  });
}

test.run();
