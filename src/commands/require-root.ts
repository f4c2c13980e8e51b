import { FlashfreezeError } from '../errors.ts';

/** @throws FlashfreezeError FF_NOT_ROOT */
export function requireRoot(): void {
  if (process.geteuid?.() !== 0) {
    throw new FlashfreezeError(
      'FF_NOT_ROOT',
      'freezing and thawing file systems needs root (CAP_SYS_ADMIN): run this command with sudo',
    );
  }
}
