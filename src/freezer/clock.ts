import { loadAddon } from './native.ts';

/** An instant on one of the machine's clocks, in nanoseconds. */
export type Instant =
  | { readonly clock: 'realtime'; readonly ns: bigint }
  | { readonly clock: 'monotonic'; readonly ns: bigint };

/**
 * Waits on a native thread for an absolute time (steps of the realtime clock are followed), to some
 * tens of microseconds. Resolves at once for a time that has passed; rejects with the signal's
 * reason when aborted.
 */
export async function sleepUntil({ clock, ns }: Instant, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const cancel = loadAddon().sleepUntil(clock === 'realtime', ns, (reached) => {
    signal?.removeEventListener('abort', cancel);
    if (reached) {
      resolve();
    } else {
      reject(signal?.reason);
    }
  });
  signal?.addEventListener('abort', cancel, { once: true });
  return promise;
}
