import * as assert from 'uvu/assert';
import { parseFdinfo } from '../../src/system/fdinfo.ts';
import { suite } from '../suite.ts';

const test = suite('fdinfo');

/** Recorded on Linux 6.18; those marked 5.15 lack what came later. */
const LOG = 'pos:\t209\nflags:\t02102001\nmnt_id:\t85\nino:\t12\n';
const FUSE = 'pos:\t0\nflags:\t02100002\nmnt_id:\t78\nino:\t90\nfuse_connection:\t55\n';
const FUSE_5_15 = 'pos:\t0\nflags:\t02100002\nmnt_id:\t26\n';
const FANOTIFY = [
  ...['pos:\t0', 'flags:\t02000002', 'mnt_id:\t17', 'ino:\t1038'],
  ...['fanotify flags:5 event-flags:8000'],
];

test('tells what can be written to from what cannot', () => {
  const flags: readonly (readonly [flags: string, isWritable: boolean])[] = [
    ['0100000', false], // O_RDONLY
    ['0100001', true], // O_WRONLY
    ['02100002', true], // O_RDWR | O_CLOEXEC
    ['02102001', true], // O_WRONLY | O_APPEND | O_CLOEXEC
    ['012100002', false], // O_PATH: nothing can be written through it
  ];
  for (const [text, isWritable] of flags) {
    assert.is(parseFdinfo(`pos:\t0\nflags:\t${text}\nmnt_id:\t1\n`).isWritable, isWritable, text);
  }
});

test('tells the mount of a descriptor', () => {
  assert.equal(parseFdinfo(LOG), {
    mountId: 85,
    isWritable: true,
    fuseConnection: undefined,
    permissionMarks: [],
  });
});

test('tells which superblock a FUSE daemon serves, where the kernel does', () => {
  assert.is(parseFdinfo(FUSE).fuseConnection, '0:55');
  assert.is(parseFdinfo(FUSE_5_15).fuseConnection, undefined);
});

test('tells the block device of a fuseblk mount by its kernel number', () => {
  assert.is(
    parseFdinfo(`fuse_connection:\t${(259 << 20) | 300_000}\n`).fuseConnection,
    '259:300000',
  );
});

test('finds the marks whose events wait for an answer', () => {
  const marks: readonly (readonly [line: string, expected: unknown])[] = [
    [
      'fanotify sdev:700009 mflags:0 mask:10000 ignored_mask:0',
      { kind: 'superblock', device: '7:9' },
    ],
    ['fanotify sdev:2a mflags:0 mask:20000 ignored_mask:0', { kind: 'superblock', device: '0:42' }],
    ['fanotify mnt_id:8f mflags:0 mask:40000 ignored_mask:0', { kind: 'mount', mountId: 0x8f }],
    [
      'fanotify ino:1e2c sdev:800001 mflags:0 mask:100000 ignored_mask:0 fhandle-bytes:8 fhandle-type:1 f_handle:2c1e000000000000',
      { kind: 'superblock', device: '8:1' },
    ],
  ];
  for (const [line, expected] of marks) {
    assert.equal(parseFdinfo([...FANOTIFY, line, ''].join('\n')).permissionMarks, [expected], line);
  }
});

test('passes over marks that nobody waits for', () => {
  const notices = [
    'fanotify sdev:700009 mflags:0 mask:2b ignored_mask:0', // events that are only told
    'fanotify sdev:700009 mflags:40 mask:0 ignored_mask:10000', // permission events left out
    'fanotify mnt_ns:2 mflags:0 mask:3000000 ignored_mask:0', // mounts that come and go
  ];
  assert.equal(parseFdinfo([...FANOTIFY, ...notices].join('\n')).permissionMarks, []);
});

test('makes nothing of what is no fdinfo', () => {
  for (const text of [
    '',
    '\n\n',
    'flags:',
    'mnt_id:\t\nflags:\tx\n',
    'fanotify ',
    'fanotify mask:10000',
  ]) {
    assert.equal(parseFdinfo(text), {
      mountId: undefined,
      isWritable: false,
      fuseConnection: undefined,
      permissionMarks: [],
    });
  }
});

test.run();
