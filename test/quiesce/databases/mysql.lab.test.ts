import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { enterLab } from '../../../src/lab/namespace.ts';
import { suite } from '../../suite.ts';
import { mountImageAt } from './mount-image.ts';
import { makeStandIn, STAND_IN_UUID } from './mysql-stand-in.ts';
import { codesOf, planned, quiesceWorkload } from './quiescing.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('MySQL (a stand-in for its client)');

/** A folder with the stand-in and a data directory. @returns its path, and the workload */
function server(version: string, uuid: string): { directory: string; workload: string } {
  const directory = mkdtempSync('/lab/mysql-');
  return { directory, workload: makeStandIn(directory, version, uuid) };
}

for (const [version, word] of [
  ['8.0.21', 'SLAVE'],
  ['8.0.22', 'REPLICA'],
] as const) {
  test(`${version} is told to stop and start its ${word} SQL_THREAD`, async () => {
    const { directory, workload } = server(version, STAND_IN_UUID.toUpperCase());
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
  const other = server('8.0.22', STAND_IN_UUID.replace('1a', '1b'));
  const none = server('8.0.22', STAND_IN_UUID);
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
    const { directory, workload } = server('8.0.22', STAND_IN_UUID);
    const mountPoint = join(directory, place);
    await mountImageAt(mountPoint);
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
