import type { TracedCall } from './strace.ts';

/** From the first FIFREEZE's start to the last FITHAW's end, as places in the log. */
export interface FrozenSpan {
  readonly begin: number;
  readonly end: number;
}

/** A system call that must not be made while anything is frozen. */
export interface Offence {
  readonly call: TracedCall;
  readonly why: string;
}

/** Write through a descriptor, the first argument. */
const WRITES = [
  ...['write', 'writev', 'pwrite64', 'pwritev', 'pwritev2', 'sendfile', 'copy_file_range'],
  ...['ftruncate', 'fallocate', 'fsync', 'fdatasync', 'sync_file_range', 'syncfs'],
  ...['fchmod', 'fchown', 'fsetxattr', 'fremovexattr'],
];
const OPENS = ['open', 'openat', 'openat2'];
/** Change a file system, whatever their arguments. */
const CHANGES = [
  ...['rename', 'renameat', 'renameat2', 'unlink', 'unlinkat', 'mkdir', 'mkdirat', 'rmdir'],
  ...['link', 'linkat', 'symlink', 'symlinkat', 'mknod', 'mknodat', 'truncate'],
  ...['chmod', 'fchmodat', 'fchmodat2', 'chown', 'lchown', 'fchownat'],
  ...['utime', 'utimes', 'futimesat', 'utimensat', 'setxattr', 'lsetxattr', 'removexattr'],
  ...['mount', 'umount2', 'sync'],
];
const PROCESSES = ['execve', 'execveat', 'fork', 'vfork', 'clone', 'clone3'];
/**
 * libuv has one ring for epoll_ctl alone, which is entered for each batch. That for files, off
 * unless UV_USE_IO_URING=1, is read by a kernel thread: what is written through it shows in no call.
 */
const RINGS = ['io_uring_setup', 'io_uring_enter'];
const UNSEEN_RING = /flags=[^,]*IORING_SETUP_SQPOLL|IORING_ENTER_SQ_WAKEUP/;
const MESSAGES = ['sendto', 'sendmsg', 'sendmmsg'];

/** What has to be traced for `offences` to see everything. */
export const TRACED_CALLS: readonly string[] = [
  ...['ioctl', 'creat', 'connect', 'mmap'],
  ...[...WRITES, ...OPENS, ...CHANGES, ...PROCESSES, ...RINGS, ...MESSAGES],
];

/** Descriptors that lead to no file: nothing frozen can make a write to them wait. */
const NO_FILE =
  /^\d+<(?:pipe:|socket:|TCP|UNIX|anon_inode:\[?(?:eventfd|timerfd|signalfd|eventpoll)|\/sys\/kernel\/rcu_expedited>)/;
/** `3<UDP:[…]>` */
const DATAGRAM_SOCKET = /^\d+<UDP/;
const OPENED_FOR_WRITING = /O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND|O_TMPFILE/;
/**
 * V8's locks look up the processor's frequency when two threads first meet at one (Abseil, CycleClock), which
 * may be in the window. It is in the kernel's memory, and no disk is asked.
 */
const PROCESSOR_FREQUENCY = /^[^"]*"\/sys\/devices\/system\/cpu\/cpu0\/[\w/]+", O_RDONLY/;
const SHARED_FILE_MAPPING = /PROT_WRITE.*MAP_SHARED.*, \d+<\//;

/** Undefined where nothing was frozen, or something never thawed. */
export function frozenSpan(calls: readonly TracedCall[]): FrozenSpan | undefined {
  const freezes = ioctls(calls, 'FIFREEZE');
  const thaws = ioctls(calls, 'FITHAW');
  const begin = Math.min(...freezes.map((call) => call.begin));
  const end = Math.max(...thaws.map((call) => call.end));
  return Number.isFinite(begin) && Number.isFinite(end) ? { begin, end } : undefined;
}

function ioctls(calls: readonly TracedCall[], request: string): TracedCall[] {
  return calls.filter(({ name, text }) => name === 'ioctl' && text.includes(request));
}

/**
 * Everything forbidden that was under way at some time in the span (design, law 4), and a ring made at
 * any time through which something could be written unseen.
 */
export function offences(calls: readonly TracedCall[], span: FrozenSpan): Offence[] {
  return calls
    .filter(({ begin, end, name }) =>
      RINGS.includes(name) ? begin < span.end : begin < span.end && end > span.begin,
    )
    .flatMap((call) => {
      const why = offenceOf(call);
      return why === undefined ? [] : [{ call, why }];
    });
}

/** What is wrong with a call of this text; undefined if nothing is. */
type Judgement = (text: string) => string | undefined;

const JUDGEMENTS: readonly (readonly [calls: readonly string[], judge: Judgement])[] = [
  [WRITES, (text) => (NO_FILE.test(text) ? undefined : 'writes to a file')],
  [['creat'], () => 'opens a file for writing'],
  [OPENS, judgeOpen],
  [CHANGES, () => 'changes a file system'],
  [PROCESSES, (text) => (text.includes('CLONE_THREAD') ? undefined : 'starts a process')],
  [
    MESSAGES,
    (text) => (DATAGRAM_SOCKET.test(text) ? 'sends a datagram, as name look-ups do' : undefined),
  ],
  [RINGS, (text) => (UNSEEN_RING.test(text) ? 'can write unseen' : undefined)],
  [['connect'], () => 'connects'],
  [['mmap'], (text) => (SHARED_FILE_MAPPING.test(text) ? 'maps a file to write it' : undefined)],
];

function judgeOpen(text: string): string | undefined {
  if (OPENED_FOR_WRITING.test(text)) {
    return 'opens a file for writing';
  }
  return PROCESSOR_FREQUENCY.test(text) ? undefined : 'opens a file';
}

function offenceOf({ name, text }: TracedCall): string | undefined {
  const judgement = JUDGEMENTS.find(([calls]) => calls.includes(name));
  return judgement?.[1](text);
}

/** One line an offence, for messages. */
export function describeOffences(found: readonly Offence[]): string {
  return found
    .map(({ call, why }) => `${why}: ${call.thread} ${call.name}(${call.text}`)
    .join('\n');
}
