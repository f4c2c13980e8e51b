import type { NativeFreezer } from '../system/native.ts';

/** An exit waits so long for a thaw; nothing else runs meanwhile. The guardian stands behind it. */
const EXIT_LIMIT_NS = 2_000_000_000n;

const open = new Set<NativeFreezer>();

// When the main thread ends by process.exit() or an uncaught exception, Node.js does not run the clean-up hooks
// of the addon.
process.on('exit', () => {
  for (const native of open) {
    native.thawEverything();
  }
  for (const native of open) {
    native.close(EXIT_LIMIT_NS);
  }
});

/** Has the file systems of a freezer thawed when the process ends before `closeNative` is called. */
export function thawAtExit(native: NativeFreezer): void {
  open.add(native);
}

export function closeNative(native: NativeFreezer): void {
  open.delete(native);
  native.close(0n);
}
