import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { parseArchitecture } from '../../src/package/options.ts';
import { packageArchive } from '../../src/package/package-archive.ts';
import { textFile } from '../../src/package/payload-file.ts';
import { WORK } from '../../src/package/repository.ts';
import { tarGz } from '../../src/package/tar.ts';
import { suite } from '../suite.ts';

const test = suite('archive for one machine');

const MODES = {
  LICENSE: 0o644,
  'THIRD-PARTY-NOTICES.txt': 0o644,
  flashfreeze: 0o755,
  'flashfreeze-disk-heads': 0o755,
  'flashfreeze-guardian': 0o755,
  'flashfreeze.js': 0o644,
  'flashfreeze.node': 0o644,
  'flashfreeze.rules.yml': 0o644,
  node: 0o755,
  'package.json': 0o644,
  'worker.js': 0o644,
};

test('the archive has the payload without the manifests of the agent, and says its own version', async () => {
  const out = await mkdtemp(join(tmpdir(), 'package-archive-'));
  try {
    const architecture = parseArchitecture(process.arch);
    const made = await packageArchive({ version: '1.2.3', architecture, out });
    const name = `flashfreeze-1.2.3-linux-${process.arch}`;
    assert.is(made.path, join(out, `${name}.tar.gz`));
    assert.ok(made.isChecked);
    assert.equal((await readdir(out)).sort(), [`${name}.tar.gz`, `${name}.tar.gz.sha256`]);
    const checked = execFileSync('sha256sum', ['--check', '--strict', `${name}.tar.gz.sha256`], {
      cwd: out,
      encoding: 'utf8',
    });
    assert.is(checked, `${name}.tar.gz: OK\n`);

    execFileSync('tar', ['-xzf', made.path, '-C', out]);
    const modes = (await readdir(join(out, name))).sort().map(async (path) => {
      const { mode, uid } = await stat(join(out, name, path));
      assert.is(uid, 0);
      return [path, mode & 0o7777] as const;
    });
    assert.equal(Object.fromEntries(await Promise.all(modes)), MODES);
    const said = execFileSync(join(out, name, 'flashfreeze'), ['--version'], { encoding: 'utf8' });
    assert.is(said, '1.2.3\n');
    assert.is(JSON.parse(await readFile(join(out, name, 'package.json'), 'utf8')).version, '1.2.3');
  } finally {
    await rm(out, { recursive: true });
  }
});

test('the same files give the same bytes in any order, at any time and with any umask', async () => {
  await mkdir(WORK, { recursive: true });
  const files = [textFile('run', '#!/bin/sh\n', true), textFile('folder/text', 'text')];
  const before = process.umask(0o077);
  const digest = (content: Uint8Array): string =>
    createHash('sha256').update(content).digest('hex');
  try {
    const first = await tarGz('name', files);
    process.umask(0o002);
    const second = await tarGz('name', [...files].reverse());
    assert.is(digest(first), digest(second));
    const listed = execFileSync('tar', ['-tzvf', '-'], { input: first, encoding: 'utf8' });
    assert.equal(
      listed
        .trim()
        .split('\n')
        .map((line) => line.split(/\s+/).filter((_, column) => column !== 2)),
      [
        ['drwxr-xr-x', '0/0', '1980-01-01', '00:00', 'name/'],
        ['drwxr-xr-x', '0/0', '1980-01-01', '00:00', 'name/folder/'],
        ['-rw-r--r--', '0/0', '1980-01-01', '00:00', 'name/folder/text'],
        ['-rwxr-xr-x', '0/0', '1980-01-01', '00:00', 'name/run'],
      ],
    );
  } finally {
    process.umask(before);
  }
});

test('the command line refuses the name of an extension and a version of other shape', () => {
  const refused = (...args: readonly string[]): string => {
    try {
      execFileSync(process.execPath, ['src/package/main.ts', '--tar', ...args], {
        cwd: join(import.meta.dirname, '../..'),
        encoding: 'utf8',
        stdio: 'pipe',
      });
      return 'nothing';
    } catch (error) {
      return String((error as { stderr: string }).stderr);
    }
  };
  assert.match(refused('--name', 'A.B'), /--name: expected without --tar.*\(FF_USAGE\)/);
  assert.match(refused('--version', '1.2'), /three or four numbers.*\(FF_USAGE\)/);
});

test.run();
