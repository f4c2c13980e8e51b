import { nativeError } from './freezer-errors.ts';
import { loadAddon } from './native.ts';

/** An instant on one of the machine's clocks, in nanoseconds. */
export type Instant =
  | { readonly clock: 'realtime'; readonly ns: bigint }
  | { readonly clock: 'monotonic'; readonly ns: bigint };

/**
 * Waits on a native thread for an absolute time (steps of the realtime clock are followed), to some
 * tens of microseconds. Resolves at once for a time that has passed; rejects with the signal's
 * reason when aborted. Throws `FF_LIMIT_REACHED` where no thread can be started.
 */
export async function sleepUntil({ clock, ns }: Instant, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const cancel = startSleeping(clock === 'realtime', ns, (reached) => {
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

function startSleeping(
  realtime: boolean,
  ns: bigint,
  done: (reached: boolean) => void,
): () => void {
  const { sleepUntil: start } = loadAddon();
  try {
    return start(realtime, ns, done);
  } catch (error) {
    throw nativeError(error, 'clock');
  }
}
