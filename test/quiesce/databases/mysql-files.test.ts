import * as assert from 'uvu/assert';
import { systemFiles } from '../../../src/quiesce/databases/mysql-files.ts';
import { suite } from '../../suite.ts';

const test = suite('files of MySQL');

for (const [value, files] of [
  ['ibdata1:12M:autoextend', ['ibdata1']],
  ['/a/ibdata1:1G; /b/ibdata2:512M:autoextend:max:2G', ['/a/ibdata1', '/b/ibdata2']],
  ['/odd:name/ibdata1:12582912', ['/odd:name/ibdata1']],
  ['/dev/sdd:3Graw', ['/dev/sdd']],
  ['', []],
] as const) {
  test(`innodb_data_file_path "${value}"`, () => {
    assert.equal(systemFiles(value), files);
  });
}

test.run();
