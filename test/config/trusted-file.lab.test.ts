import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { openTrustedFile, readTrustedFile } from '../../src/config/trusted-file.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { suite } from '../suite.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('trusted file');
const NOBODY = 65_534;

/** A directory of its own with `way/file` in it, mode 600. */
function place(): { top: string; way: string; file: string } {
  const top = mkdtempSync('/lab/trusted-');
  chmodSync(top, 0o755);
  const way = join(top, 'way');
  mkdirSync(way, 0o755);
  const file = join(way, 'file');
  writeFileSync(file, 'content', { mode: 0o600 });
  return { top, way, file };
}

test('opens what root alone can change, and says where it lies', () => {
  const { way, file } = place();
  const opened = openTrustedFile(file, 0o077);
  assert.ok(opened.ok);
  using it = opened;
  assert.is(readFileSync(it.descriptor, 'utf8'), 'content');
  assert.is(it.directory, way);
  assert.is(it.mode, 0o600);
});

test('finds through links, dots and doubled slashes of root’s', () => {
  const { top, file } = place();
  symlinkSync('way/../way', join(top, 'relative'));
  symlinkSync(`${top}/relative`, join(top, 'absolute'));
  symlinkSync(file, join(top, 'link'));
  for (const path of [`${top}/./absolute//file`, `${top}/link`, `${top}/../..${file}`]) {
    assert.equal(readTrustedFile(path, 0o077), { ok: true, text: 'content' }, path);
  }
});

type Spoil = (place: { top: string; way: string; file: string }) => void;
const untrusted: readonly [name: string, spoil: Spoil, words: string][] = [
  ['others may read', ({ file }) => chmodSync(file, 0o604), 'chmod 0600'],
  ['its group may write', ({ file }) => chmodSync(file, 0o620), 'mode 0620'],
  ['belongs to another', ({ file }) => chownSync(file, NOBODY, 0), 'belongs to uid 65534'],
  ['lies where others may write', ({ way }) => chmodSync(way, 0o757), 'writable by others'],
  [
    'lies where a group may write',
    ({ way }) => {
      chownSync(way, 0, NOBODY);
      chmodSync(way, 0o775);
    },
    'writable by others',
  ],
  ['lies below a directory like /tmp', ({ top }) => chmodSync(top, 0o1777), 'writable by others'],
  ['lies in another’s directory', ({ way }) => chownSync(way, NOBODY, 0), 'belongs to uid 65534'],
  [
    'is a directory',
    ({ way, file }) => {
      renameSync(file, join(way, 'moved'));
      mkdirSync(file);
    },
    'not a regular file',
  ],
];

for (const [name, spoil, words] of untrusted) {
  test(`refuses a file that ${name}`, () => {
    const made = place();
    spoil(made);
    const fault = openTrustedFile(made.file, 0o077);
    assert.ok(!fault.ok);
    assert.is(fault.kind, 'untrusted');
    assert.match(fault.message, words);
    assert.match(fault.message, made.file);
  });
}

test('root’s own group may write a directory', () => {
  const { way, file } = place();
  chmodSync(way, 0o775);
  assert.ok(readTrustedFile(file, 0o077).ok);
});

test('refuses links in circles, and paths that are not absolute', () => {
  const { top } = place();
  symlinkSync(join(top, 'b'), join(top, 'a'));
  symlinkSync(join(top, 'a'), join(top, 'b'));
  for (const path of [join(top, 'a'), 'way/file', '', '/']) {
    const fault = openTrustedFile(path, 0o077);
    assert.is(!fault.ok && fault.kind, 'untrusted', path);
  }
});

test('says what is missing, also where a directory on the way is', () => {
  const { file } = place();
  for (const path of [`${file}2`, `${file}/below`, '/nowhere/at/all']) {
    const fault = openTrustedFile(path, 0o077);
    assert.is(!fault.ok && fault.kind, 'missing', path);
  }
});

test('leaves no descriptor open', () => {
  const { file } = place();
  const before = readdirSync('/proc/self/fd').length;
  for (const path of [file, `${file}2`, '/proc/1/none', '/lab']) {
    const opened = openTrustedFile(path, 0o077);
    if (opened.ok) {
      opened[Symbol.dispose]();
    }
  }
  assert.is(readdirSync('/proc/self/fd').length, before);
});

test.run();
