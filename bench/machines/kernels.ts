/** The kernel of one suite of Debian: as the process of its package user-mode-linux, and its cloud kernel. */
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
