import {
  chmodSync,
  chownSync,
  lchownSync,
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
  assert.is(it.modeOfOthers, 0);
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

test('tells what others may do with the file: not root’s own group', () => {
  const { file } = place();
  const others = (): number | undefined => {
    const opened = openTrustedFile(file, 0);
    using it = opened.ok ? opened : undefined;
    return it?.modeOfOthers;
  };
  chmodSync(file, 0o764);
  assert.is(others(), 0o004);
  chownSync(file, 0, NOBODY);
  chmodSync(file, 0o764);
  assert.is(others(), 0o064);
});

test('root’s own group may write a directory', () => {
  const { way, file } = place();
  chmodSync(way, 0o775);
  assert.ok(readTrustedFile(file, 0o077).ok);
});

test('follows a link of another user in a directory of root’s: only root can change it', () => {
  const { top, file } = place();
  symlinkSync(file, join(top, 'link'));
  lchownSync(join(top, 'link'), NOBODY, NOBODY);
  assert.ok(readTrustedFile(join(top, 'link'), 0o077).ok);
});

test('takes for missing what is no regular file, links in circles, and paths that are not absolute', () => {
  const { top, way } = place();
  symlinkSync(join(top, 'b'), join(top, 'a'));
  symlinkSync(join(top, 'a'), join(top, 'b'));
  for (const [path, words] of [
    [join(top, 'a'), 'too many symbolic links'],
    [way, 'not a regular file'],
    ['/', 'not a regular file'],
    ['/dev/null', 'not a regular file'],
    ['way/file', 'not an absolute path'],
    ['~/file', 'not an absolute path'],
    ['', 'not an absolute path'],
  ] as const) {
    const fault = openTrustedFile(path, 0o077);
    assert.is(!fault.ok && fault.kind, 'missing', path);
    assert.match(fault.ok ? '' : fault.message, words, path);
  }
});

const strange: readonly [name: string, spoil: Spoil][] = [
  ['belongs to another user', ({ way }) => chownSync(way, NOBODY, NOBODY)],
  ['is writable by others', ({ way }) => chmodSync(way, 0o777)],
];

for (const [name, spoil] of strange) {
  test(`takes a file for missing that is not in a directory which ${name}`, () => {
    const made = place();
    renameSync(made.file, join(made.way, 'moved'));
    spoil(made);
    const fault = openTrustedFile(made.file, 0o077);
    assert.is(!fault.ok && fault.kind, 'missing');
    assert.is(fault.ok ? '' : fault.message, `${made.file} does not exist`);
  });
}

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
