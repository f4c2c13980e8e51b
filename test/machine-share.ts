import { keepLock } from './kept-lock.ts';

const LOCK = '/run/flashfreeze-tests';

/**
 * Keeps the machine from other runs of the tests: labs share it; a test that looks at the machine's own state, which
 * labs of another run change, has it exclusively. Waits until it may be had.
 */
export function shareMachine(kind: 'shared' | 'exclusive'): Promise<AsyncDisposable> {
  return keepLock(LOCK, kind);
}
