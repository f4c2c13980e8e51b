/** A kernel that runs as a process: Debian's package user-mode-linux of one suite. */
export interface Kernel {
  /** First two numbers of its version. */
  readonly name: string;
  readonly suite: string;
}

export const KERNELS: readonly Kernel[] = [
  { name: '5.10', suite: 'bullseye' },
  { name: '6.1', suite: 'bookworm' },
  { name: '6.12', suite: 'trixie' },
  { name: '7.2', suite: 'forky' },
];
