import type { NativeFreezer } from '../system/native.ts';

/** How long an exit waits for a thaw; nothing else runs meanwhile. If it is too short, the guardian thaws. */
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

/** Makes the process thaw the file systems of a freezer if it exits before `closeNative` is called. */
export function thawAtExit(native: NativeFreezer): void {
  open.add(native);
}

export function closeNative(native: NativeFreezer): void {
  open.delete(native);
  native.close(0n);
}
