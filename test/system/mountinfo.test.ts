import fc from 'fast-check';
import * as assert from 'uvu/assert';
import {
  hasOption,
  type Mount,
  optionValue,
  parseMountinfo,
  unescapeOctal,
} from '../../src/system/mountinfo.ts';
import { suite } from '../suite.ts';

const test = suite('mountinfo');

function only(line: string): Mount {
  const { mounts, skipped } = parseMountinfo(`${line}\n`);
  assert.equal(skipped, []);
  assert.is(mounts.length, 1);
  return mounts[0] as Mount;
}

test('the line of the manual page is read', () => {
  assert.equal(
    only('36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue'),
    {
      id: 36,
      parentId: 35,
      device: '98:0',
      root: '/mnt1',
      mountPoint: '/mnt2',
      options: 'rw,noatime',
      type: 'ext3',
      source: '/dev/root',
      superOptions: 'rw,errors=continue',
    },
  );
});

test('any number of optional fields is skipped', () => {
  for (const optional of [
    '',
    'shared:1 ',
    'shared:1 master:2 propagate_from:3 unbindable ',
    'x:- ',
  ]) {
    const mount = only(`36 35 98:0 / /a rw ${optional}- ext4 /dev/sda rw`);
    assert.is(mount.type, 'ext4');
    assert.is(mount.source, '/dev/sda');
  }
});

test('escapes are undone wherever the kernel makes them', () => {
  const mount = only(
    String.raw`1 0 8:1 /a\040b /x\040y\011z\012n\134o rw - fuse.a\040b //host/a\043b rw,x=1`,
  );
  assert.is(mount.root, '/a b');
  assert.is(mount.mountPoint, '/x y\tz\nn\\o');
  assert.is(mount.type, 'fuse.a b');
  assert.is(mount.source, '//host/a#b');
});

test('an escaped backslash before digits is not undone twice', () => {
  assert.is(unescapeOctal(String.raw`\134040`), String.raw`\040`);
});

test('an empty source and super options with a space are read', () => {
  assert.is(only('1 0 0:5 / /a rw - tmpfs  rw').source, '');
  assert.is(only('1 0 0:5 / /a rw - cifs //h/s rw,user=a b').superOptions, 'rw,user=a b');
});

test('nsfs has a root that is no path', () => {
  assert.is(
    only('96 28 0:4 net:[4026532300] /run/netns/a rw - nsfs nsfs rw').root,
    'net:[4026532300]',
  );
});

test('odd lines are skipped with the reason, the rest counts', () => {
  const { mounts, skipped } = parseMountinfo(
    [
      'garbage',
      '1 0 8:1 / / rw - ext4 /dev/sda rw',
      'x 0 8:1 / /a rw - ext4 /dev/sda rw',
      '2 0 8-1 / /a rw - ext4 /dev/sda rw',
      '2 0 8:1 / a rw - ext4 /dev/sda rw',
      '2 0 8:1 / /a rw ext4 /dev/sda rw',
      '2 0 8:1 / /a\ufffd rw - ext4 /dev/sda rw',
    ].join('\n'),
  );
  assert.equal(
    mounts.map(({ mountPoint }) => mountPoint),
    ['/'],
  );
  assert.equal(skipped, [
    { line: 1, reason: 'it does not have the fields of a mount' },
    { line: 3, reason: 'its mount ids are not numbers' },
    { line: 4, reason: 'its device is not major:minor' },
    { line: 5, reason: 'its mount point is not an absolute path' },
    { line: 6, reason: 'it does not have the fields of a mount' },
    { line: 7, reason: 'its mount point is not valid UTF-8' },
  ]);
});

test('no text makes it throw, and every line is a mount, skipped or empty', () => {
  const word = fc.oneof(fc.string(), fc.constantFrom('-', '8:1', '1', '/', '/a', '', '\\040'));
  const line = fc
    .array(word, { maxLength: 14 })
    .map((words) => words.join(' ').replaceAll('\n', ''));
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const { mounts, skipped } = parseMountinfo(lines.join('\n'));
      assert.is(mounts.length + skipped.length, lines.filter((each) => each !== '').length);
    }),
  );
});

/** As fs/seq_file.c escapes a path for mountinfo. */
function mangle(path: string): string {
  return path.replace(/[ \t\n\\]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

test('every path survives the way through the kernel', () => {
  const name = fc
    .string({ unit: 'grapheme', minLength: 1 })
    .filter((text) => !/[/\0\ufffd]/.test(text));
  fc.assert(
    fc.property(fc.array(name), fc.array(name), (root, mountPoint) => {
      const mount = only(
        `1 0 8:1 ${mangle(`/${root.join('/')}`)} ${mangle(`/${mountPoint.join('/')}`)} rw - ext4 x rw`,
      );
      assert.is(mount.root, `/${root.join('/')}`);
      assert.is(mount.mountPoint, `/${mountPoint.join('/')}`);
    }),
  );
});

test('10,000 mounts are read', () => {
  const lines = Array.from(
    { length: 10_000 },
    (_, index) => `${index + 2} 1 0:${index} / /pods/${index}/volume rw shared:9 - tmpfs tmpfs rw`,
  );
  assert.is(parseMountinfo(lines.join('\n')).mounts.length, 10_000);
});

test('options are found whole, and their values without escapes', () => {
  assert.ok(hasOption('rw,ro', 'ro'));
  assert.not.ok(hasOption('rw,errors=remount-ro,relro', 'ro'));
  assert.is(optionValue('rw,logdev=/dev/sdd1', 'logdev'), '/dev/sdd1');
  assert.is(optionValue(String.raw`rw,upperdir=/a\054b\040c`, 'upperdir'), '/a,b c');
  assert.is(optionValue('rw', 'logdev'), undefined);
});

test.run();
