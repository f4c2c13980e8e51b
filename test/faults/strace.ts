import { readFileSync } from 'node:fs';

/** strace(1) that logs ioctls alone. */
export const STRACE_IOCTLS: readonly string[] = [
  ...['strace', '-f', '-qq', '--seccomp-bpf'],
  ...['-e', 'trace=ioctl', '-e', 'signal=none'],
];

/** How many FIFREEZE calls a log holds. */
export function freezesIn(log: string): number {
  return readFileSync(log, 'utf8').split('FIFREEZE').length - 1;
}
