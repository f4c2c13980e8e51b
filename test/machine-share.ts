import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Beside it, `.turn` is held while waiting, so that shares that are asked for later do not overtake. */
const LOCK = '/run/flashfreeze-tests';

/** Prints a line when it has the lock, and keeps it until its standard input ends. */
const KEEP_LOCK = 'exec 8>"$1" 9>"$1.turn"; flock 9; flock "$2" 8; exec 9>&-; echo; exec cat';

/**
 * Keeps the machine from other runs of the tests: labs share it; a test that looks at the machine's own state, which
 * labs of another run change, has it exclusively. Waits until it may be had.
 */
export async function shareMachine(kind: 'shared' | 'exclusive'): Promise<AsyncDisposable> {
  const keeper = spawn('sh', ['-c', KEEP_LOCK, 'sh', LOCK, `--${kind}`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(keeper, 'close');
  await Promise.race([once(keeper.stdout, 'data'), ended]);
  return {
    [Symbol.asyncDispose]: async () => {
      keeper.stdin.end();
      await ended;
    },
  };
}
