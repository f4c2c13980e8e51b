import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * Prints a line when it has the lock, and keeps it until its standard input ends. `.turn` is held while waiting, so
 * that shares that are asked for later do not overtake.
 */
const KEEP_LOCK = 'exec 8>"$1" 9>"$1.turn"; flock 9; flock "$2" 8; exec 9>&-; echo; exec cat';

/** Waits for the lock on the file, which other runs of the tests ask for too. It ends with this process at the latest. */
export async function keepLock(
  path: string,
  kind: 'shared' | 'exclusive',
): Promise<AsyncDisposable> {
  const keeper = spawn('sh', ['-c', KEEP_LOCK, 'sh', path, `--${kind}`], {
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
