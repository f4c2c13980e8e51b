import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import { frozenSpan, offences } from './discipline.ts';
import { parseStrace } from './strace.ts';

const test = suite('strace log');

const FREEZE = '10 ioctl(20</lab/a>, FIFREEZE, 0)   = 0';
const THAW = '10 ioctl(20</lab/a>, FITHAW, 0)     = 0';

/** Reasons of the offences in a log whose lines stand between a freeze and its thaw. */
function reasons(...lines: readonly string[]): string[] {
  const calls = parseStrace([FREEZE, ...lines, THAW].join('\n'));
  const span = frozenSpan(calls);
  assert.ok(span);
  return offences(calls, span).map(({ why }) => why);
}

test('puts the two halves of an interrupted call together', () => {
  const log = [
    '7 write(1</lab/log>, "x", 1 <unfinished ...>',
    '8 fsync(3</lab/b>)                 = 0',
    '7 <... write resumed>)             = 1',
    '9 openat(AT_FDCWD, "/x", O_RDONLY <unfinished ...>',
  ].join('\n');
  assert.equal(
    parseStrace(log).map(({ thread, name, begin, end }) => [thread, name, begin, end]),
    [
      [7, 'write', 0, 2],
      [8, 'fsync', 1, 1],
      [9, 'openat', 3, Number.POSITIVE_INFINITY],
    ],
  );
  assert.is(parseStrace(log)[0]?.text, '1</lab/log>, "x", 1)             = 1');
});

test('a span reaches from the first freeze entered to the last thaw returned', () => {
  const log = [
    '1 ioctl(5</lab/a>, FIFREEZE, 0 <unfinished ...>',
    '2 ioctl(6</lab/b>, FIFREEZE, 0)    = 0',
    '1 <... ioctl resumed>)             = 0',
    '3 ioctl(5</lab/a>, FITHAW, 0 <unfinished ...>',
    '4 ioctl(6</lab/b>, FITHAW, 0)      = 0',
    '3 <... ioctl resumed>)             = 0',
  ].join('\n');
  assert.equal(frozenSpan(parseStrace(log)), { begin: 0, end: 5 });
});

test('there is no span where a freeze was never thawed', () => {
  assert.is(frozenSpan(parseStrace(FREEZE)), undefined);
  assert.is(frozenSpan(parseStrace(THAW)), undefined);
});

test('finds a ring made before the freeze through which files can be written unseen', () => {
  const flags = (text: string): string =>
    `7 io_uring_setup(64, {flags=${text}, features=IORING_FEAT_SQPOLL_NONFIXED}) = 9`;
  const found = (line: string): number => {
    const calls = parseStrace([line, FREEZE, THAW].join('\n'));
    return offences(calls, { begin: 1, end: 2 }).length;
  };
  assert.is(found(flags('IORING_SETUP_SQPOLL|0x10000')), 1);
  assert.is(found(flags('0x10000')), 0);
});

const allowed = [
  '11 io_uring_enter(21<anon_inode:[io_uring]>, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) = 1',
  '11 write(9<anon_inode:[eventfd]>, "\\1", 8) = 8',
  '11 write(21<TCP:[127.0.0.1:4->127.0.0.1:5]>, "\\27", 300) = 300',
  '11 writev(2<pipe:[4711]>, [{iov_base="x"}], 1) = 1',
  '11 write(12<UNIX-STREAM:[1->2]>, "x", 1) = 1',
  '11 write(30</sys/kernel/rcu_expedited>, "0", 1) = 1',
  '11 clone3({flags=CLONE_VM|CLONE_THREAD, stack=0x1}, 88) = 12',
  '11 sendto(21<TCP:[127.0.0.1:4->127.0.0.1:5]>, "x", 1, 0, NULL, 0) = 1',
  '11 mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x1',
  '11 openat(AT_FDCWD</>, "/sys/devices/system/cpu/cpu0/tsc_freq_khz", O_RDONLY|O_CLOEXEC) = -1 ENOENT',
];

for (const line of allowed) {
  test(`allows ${line.slice(3, 60)}`, () => assert.equal(reasons(line), []));
}

const forbidden: readonly (readonly [line: string, why: string])[] = [
  ['11 write(1</lab/a/log>, "x", 1) = 1', 'writes to a file'],
  ['11 pwrite64(5</tmp/x (deleted)>, "x", 1, 0) = 1', 'writes to a file'],
  ['11 fsync(5</lab/a/log>) = 0', 'writes to a file'],
  ['11 write(1</dev/pts/0<char 136:0>>, "x", 1) = 1', 'writes to a file'],
  ['11 openat(AT_FDCWD, "/x", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3', 'opens a file for writing'],
  ['11 openat(AT_FDCWD</>, "/x", O_RDONLY|O_CLOEXEC) = 3</x>', 'opens a file'],
  [
    '11 openat(AT_FDCWD</>, "/sys/devices/system/cpu/cpu0/online", O_RDWR) = 3</x>',
    'opens a file for writing',
  ],
  ['11 rename("/x", "/y") = 0', 'changes a file system'],
  ['11 sync() = 0', 'changes a file system'],
  ['11 vfork() = 12', 'starts a process'],
  ['11 clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD) = 12', 'starts a process'],
  ['11 execve("/bin/true", ["true"], 0x1) = 0', 'starts a process'],
  ['11 connect(5<TCP:[9]>, {sa_family=AF_INET}, 16) = -1 EINPROGRESS', 'connects'],
  [
    '11 sendmmsg(5<UDP:[127.0.0.1:1->127.0.0.53:53]>, [], 2, 0) = 2',
    'sends a datagram, as name look-ups do',
  ],
  [
    '11 mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 5</lab/a/x>, 0) = 0x1',
    'maps a file to write it',
  ],
];

for (const [line, why] of forbidden) {
  test(`finds ${line.slice(3, 60)}`, () => assert.equal(reasons(line), [why]));
}

test('finds a write that began before the freeze and one that outlives the thaw', () => {
  const log = [
    '7 write(1</lab/log>, "x", 1 <unfinished ...>',
    FREEZE,
    '7 <... write resumed>)             = 1',
    '8 write(1</lab/log>, "y", 1 <unfinished ...>',
    THAW,
    '8 <... write resumed>)             = 1',
    '7 write(1</lab/log>, "after", 5)   = 5',
  ].join('\n');
  const calls = parseStrace(log);
  const span = frozenSpan(calls);
  assert.ok(span);
  assert.equal(
    offences(calls, span).map(({ call }) => call.begin),
    [0, 3],
  );
});

test.run();
