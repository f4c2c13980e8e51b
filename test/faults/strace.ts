import { readFileSync } from 'node:fs';

/** strace(1) that logs ioctls alone. */
export const STRACE_IOCTLS: readonly string[] = strace(['ioctl']);

/**
 * strace(1) over every thread and process of a command, logging these system calls only, each
 * descriptor with what it leads to. The others run at full speed.
 */
export function strace(calls: readonly string[]): string[] {
  return [
    ...['strace', '-f', '-qq', '-yy', '--seccomp-bpf', '-s', '60'],
    ...['-e', `trace=${calls.map((call) => `?${call}`).join(',')}`, '-e', 'signal=none'],
  ];
}

/** How many FIFREEZE calls a log holds. */
export function freezesIn(log: string): number {
  return readFileSync(log, 'utf8').split('FIFREEZE').length - 1;
}

/** One system call of a log. A call that never returned ends after the log. */
export interface TracedCall {
  readonly thread: number;
  readonly name: string;
  /** Everything after the opening parenthesis: arguments, and what it returned where that is known. */
  readonly text: string;
  /** Place in the log where it was entered, and where it had returned: line numbers. */
  readonly begin: number;
  readonly end: number;
}

const LINE = /^(\d+) +(?:<\.\.\. (\w+) resumed>|(\w+)\()(.*)$/;
const UNFINISHED = ' <unfinished ...>';

/**
 * Reads what `strace -f -o` wrote. Lines stand in the order of the events, so that line numbers say
 * what was before what.
 */
export function parseStrace(log: string): TracedCall[] {
  const calls: TracedCall[] = [];
  const open = new Map<number, TracedCall>();
  for (const [index, line] of log.split('\n').entries()) {
    const [, thread, resumed, name = resumed, rest = ''] = LINE.exec(line) ?? [];
    if (thread === undefined || name === undefined) {
      continue;
    }
    const began = resumed === undefined ? undefined : open.get(Number(thread));
    const whole = {
      thread: Number(thread),
      name,
      text: `${began?.text ?? ''}${rest.replace(UNFINISHED, '')}`,
      begin: began?.begin ?? index,
    };
    if (rest.endsWith(UNFINISHED)) {
      open.set(whole.thread, { ...whole, end: Number.POSITIVE_INFINITY });
    } else {
      open.delete(whole.thread);
      calls.push({ ...whole, end: index });
    }
  }
  return [...calls, ...open.values()].sort((a, b) => a.begin - b.begin);
}
