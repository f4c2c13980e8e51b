import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** Kills the openers, then thaws repeatedly, because a thaw before the end of the freeze is lost. */
const RESCUE = `
timeout --foreground "$0" cat >/dev/null
echo awake
while [ "$1" != -- ]; do kill -9 "$1" 2>/dev/null; shift; done
shift
round=0
while [ $round -lt 100 ]; do
  for mount_point; do fsfreeze --unfreeze "$mount_point" 2>/dev/null & done
  sleep 0.1
  round=$((round + 1))
done
`;

/** A process that releases everything after a time, when it is told to, or when the test has died. */
export class Watchdog implements AsyncDisposable {
  readonly #child: ChildProcess;
  #isAsleep = true;

  constructor(seconds: number, openers: readonly number[], mountPoints: readonly string[]) {
    const args = [String(seconds), ...openers.map(String), '--', ...mountPoints];
    this.#child = spawn('sh', ['-c', RESCUE, ...args], {
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: true,
    });
    this.#child.stdout?.once('data', () => {
      this.#isAsleep = false;
    });
  }

  /** Makes it act now. */
  wake(): void {
    this.#child.stdin?.end();
  }

  /** Whether it did not have to act. */
  get isAsleep(): boolean {
    return this.#isAsleep;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null) {
      const ended = once(this.#child, 'exit');
      // The whole group, so that what it waits with ends too.
      process.kill(-(this.#child.pid ?? 0), 'SIGKILL');
      await ended;
    }
  }
}
