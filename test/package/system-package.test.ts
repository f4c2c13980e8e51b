import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { requireLabCommands } from '../../src/lab/requirements.ts';
import { parseArchitecture } from '../../src/package/options.ts';
import type { MadeFile } from '../../src/package/package-archive.ts';
import { DEB } from '../../src/package/package-deb.ts';
import { RPM } from '../../src/package/package-rpm.ts';
import { textFile } from '../../src/package/payload-file.ts';
import { WORK } from '../../src/package/repository.ts';
import { makePackage } from '../../src/package/system-package.ts';
import { suite } from '../suite.ts';

await requireLabCommands(['rpm', 'rpmbuild']);

const test = suite('packages of package managers');
const PAYLOAD = [
  textFile('flashfreeze', '#!/bin/sh\n', true),
  textFile('package.json', '{"version": "1.2.3"}\n'),
];
const TEXTS = { manual: '.TH A 8\n', bash: 'bash\n', zsh: 'zsh\n', fish: 'fish\n' };
const FORMATS = { deb: DEB, rpm: RPM } as const;

async function made<Result>(
  kind: keyof typeof FORMATS,
  use: (made: MadeFile, out: string) => Promise<Result>,
  payload = PAYLOAD,
): Promise<Result> {
  await mkdir(WORK, { recursive: true });
  const out = await mkdtemp(join(tmpdir(), 'system-package-'));
  try {
    const options = { version: '1.2.3', architecture: parseArchitecture(process.arch), out };
    return await use(await makePackage(FORMATS[kind], payload, options, TEXTS), out);
  } finally {
    await rm(out, { recursive: true });
  }
}

function say(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, { encoding: 'utf8' });
}

const COMMON = [
  '/opt/flashfreeze/package/flashfreeze',
  '/opt/flashfreeze/package/package-manager',
  '/opt/flashfreeze/package/package.json',
  '/usr/lib/systemd/system/flashfreeze-snapshot.service',
  '/usr/lib/systemd/system/flashfreeze-snapshot.timer',
  '/usr/sbin/flashfreeze',
  '/usr/share/bash-completion/completions/flashfreeze',
  '/usr/share/doc/flashfreeze/copyright',
  '/usr/share/fish/vendor_completions.d/flashfreeze.fish',
  '/usr/share/man/man8/flashfreeze.8.gz',
];

test('the deb has the program, its link, texts and units, all of root’s, and needs no Node.js and no compiler', async () => {
  await made('deb', async ({ path }, out) => {
    const name = `flashfreeze_1.2.3_${process.arch === 'x64' ? 'amd64' : 'arm64'}.deb`;
    assert.is(path, join(out, name));
    assert.is(
      execFileSync('sha256sum', ['-c', `${name}.sha256`], { cwd: out }).toString(),
      `${name}: OK\n`,
    );
    assert.is(say('dpkg-deb', '-f', path, 'Depends'), 'libc6 (>= 2.28), libstdc++6\n');
    const lines = say('dpkg-deb', '-c', path).trim().split('\n');
    assert.equal(
      lines.filter(
        (line) => !/^[-dl]rwxr.xr.x|^-rw-r--r--|^lrwx/.test(line) || !line.includes(' root/root '),
      ),
      [],
    );
    const files = lines
      .filter((line) => !line.startsWith('d'))
      .map((line) => line.replace(/^.* \.\//, '/').replace(/ -> .*/, ''));
    assert.equal(
      files.sort(),
      [...COMMON, '/usr/share/zsh/vendor-completions/_flashfreeze'].sort(),
    );
    assert.match(
      lines.join('\n'),
      './usr/sbin/flashfreeze -> /opt/flashfreeze/current/flashfreeze',
    );
    const root = join(out, 'root');
    say('dpkg-deb', '-x', path, root);
    const service = await readFile(join(root, COMMON[3] ?? ''), 'utf8');
    assert.match(service, '/usr/sbin/flashfreeze snapshot');
  });
});

test('the rpm has as much', async () => {
  await made('rpm', async ({ path }) => {
    const query = (...args: readonly string[]): string => say('rpm', '-qp', ...args, path).trim();
    assert.equal(
      query('--qf', '[%{FILEMODES:perms} %{FILENAMES} %{FILEUSERNAME} %{FILEGROUPNAME}\\n]')
        .split('\n')
        .filter((line) => !/^drwxr-xr-x .* root root$/.test(line))
        .map((line) => line.replace(/^(?:-rw-r--r--|-rwxr-xr-x|lrwxrwxrwx) /, ''))
        .sort(),
      [...COMMON, '/usr/share/zsh/site-functions/_flashfreeze']
        .map((file) => `${file} root root`)
        .sort(),
    );
    const needs = query('--requires').split('\n');
    assert.ok(needs.includes('libc.so.6(GLIBC_2.28)(64bit)'), needs.join(' '));
    assert.equal(
      needs.filter((need) => /node|gcc|python/.test(need)),
      [],
    );
  });
});

for (const kind of ['deb', 'rpm'] as const) {
  test(`the same files give the same bytes of ${kind} in any order, at any time and with any umask`, async () => {
    const read = async ({ path }: MadeFile): Promise<Buffer> => await readFile(path);
    const before = process.umask(0o077);
    try {
      const first = await made(kind, read);
      process.umask(0o002);
      const second = await made(kind, read, [...PAYLOAD].reverse());
      assert.ok(first.equals(second));
    } finally {
      process.umask(before);
    }
  });
}

test('one kind at a time', () => {
  assert.throws(
    () =>
      execFileSync(process.execPath, ['src/package/main.ts', '--deb', '--rpm'], {
        cwd: join(import.meta.dirname, '../..'),
        stdio: 'pipe',
      }),
    /--deb and --rpm: expected one of them.*FF_USAGE/,
  );
});

test.run();
