import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { zip } from '../../src/package/archive.ts';
import { textFile } from '../../src/package/payload-file.ts';
import { suite } from '../suite.ts';
import { zipEntries } from './zip-entries.ts';

const test = suite('archive');

const FILES = [
  textFile('run', '#!/bin/sh\n', true),
  textFile('folder/text', 'text '.repeat(1_000)),
  textFile('empty', ''),
];

test('files come out as they went in, with their modes, sorted', async () => {
  const entries = zipEntries(await zip(FILES)).map(({ name, mode, content }) => [
    name,
    mode,
    content.toString(),
  ]);
  assert.equal(entries, [
    ['empty', 0o644, ''],
    ['folder/text', 0o644, 'text '.repeat(1_000)],
    ['run', 0o755, '#!/bin/sh\n'],
  ]);
});

test('the same files give the same bytes in any order', async () => {
  assert.equal(await zip(FILES), await zip([...FILES].reverse()));
});

test('the same files give the same bytes in any time zone', () => {
  const script = `
    import { zip } from './src/package/archive.ts';
    import { textFile } from './src/package/payload-file.ts';
    process.stdout.write((await zip([textFile('a', 'a')])).toString('hex'));
  `;
  const archives = ['Pacific/Auckland', 'UTC', 'America/Los_Angeles'].map((zone) =>
    execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: join(import.meta.dirname, '../..'),
      env: { ...process.env, TZ: zone },
      encoding: 'utf8',
    }),
  );
  assert.is(new Set(archives).size, 1);
  assert.ok((archives[0]?.length ?? 0) > 100);
});

test.run();
