import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Writable } from 'node:stream';

export interface GracePeriodsOf {
  /** Where all that may change them meet. */
  readonly folder: string;
  readonly path: string;
}

/** On a tmpfs: they begin anew with the kernel. */
const OF_THE_MACHINE: GracePeriodsOf = {
  folder: '/run/flashfreeze-test-grace-periods',
  path: '/sys/kernel/rcu_expedited',
};

/**
 * Grace periods are the machine's, and neither a lab nor a test that was cut short can put them back, whatever ended
 * it: a process of its own does (grace-periods.sh), when this one has ended, and all that were given `alive`, and
 * no other process on the machine keeps them.
 */
export class KeptGracePeriods implements AsyncDisposable {
  readonly #ended: Promise<unknown>;
  /** For the standard streams of processes that it is to outlive. */
  readonly alive: Writable;

  private constructor(alive: Writable, ended: Promise<unknown>) {
    this.#ended = ended;
    this.alive = alive;
  }

  /** Resolves when they are kept; without effect if the machine does not permit it. */
  static async begin({ folder, path }: GracePeriodsOf = OF_THE_MACHINE): Promise<KeptGracePeriods> {
    const script = join(import.meta.dirname, 'grace-periods.sh');
    // A session of its own: what ends a whole group must not end it.
    const keeper = spawn('sh', [script, folder, path], {
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const ended = once(keeper, 'exit');
    keeper.stdin.on('error', () => {}); // It has ended early; `ended` says so.
    await Promise.race([once(keeper.stdout, 'data'), ended]);
    keeper.stdout.destroy();
    return new KeptGracePeriods(keeper.stdin, ended);
  }

  /** To be called when all that were given `alive` have ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.alive.end();
    await this.#ended;
  }
}

/**
 * Has the machine's grace periods expedited until disposed, or until this process ends, however. Without effect if
 * the machine does not permit it.
 */
export async function expediteGracePeriods(
  of: GracePeriodsOf = OF_THE_MACHINE,
): Promise<AsyncDisposable> {
  const kept = await KeptGracePeriods.begin(of);
  try {
    writeFileSync(of.path, '1');
  } catch {
    // Not root, or not this kernel's: those tests fail that need it.
  }
  return kept;
}
