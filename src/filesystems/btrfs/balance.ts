import type { SpawnOptions } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { reasonOf } from '../../system/errno.ts';
import { startProgram } from '../../system/start-program.ts';
import { readBalanceState } from './read-maintenance.ts';

/** A balance that can be had by its mount point. */
export interface Balance {
  readonly mountPoint: string;
  /** As `/sys/fs/btrfs` names its file system. */
  readonly fsid: string;
}

/** A balance ends the chunk that it is at first: a gigabyte, with all its snapshots. */
const PAUSE_LIMIT_MS = 120_000;
const RESUME_LIMIT_MS = 5_000;
/** The kernel tells when it changes only those who poll(2) the file, which Node.js cannot. */
const LOOK_AGAIN_MS = 20;

/**
 * Asks for a pause, and waits for it; not any longer, and with nothing that keeps this process, once aborted.
 *
 * @returns why it is not paused; undefined if it is, or has ended meanwhile
 */
export async function pauseBalance(
  balance: Balance,
  abort: AbortSignal,
  limitMs: number = PAUSE_LIMIT_MS,
): Promise<string | undefined> {
  using pause = await begin(['balance', 'pause', balance.mountPoint]);
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, abort]);
  const late = delay(limitMs, 'late' as const, { signal }).catch(() => 'late' as const);
  const ended = await Promise.race([pause.ended, late]);
  over.abort();
  const state = await readBalanceState(balance);
  if (state !== 'balance') {
    return undefined;
  }
  return ended === 'late' ? `it did not pause within ${limitMs / 1_000} s` : ended;
}

/**
 * Resumes a paused balance. It belongs to a process of its own from then on, as one that was started by hand does.
 *
 * @param pauseLimitMs how long a pause that has been asked for is waited for: it cannot be taken back
 * @returns why it does not; undefined if it does, or nothing is paused any more
 */
export async function resumeBalance(
  balance: Balance,
  pauseLimitMs = 0,
): Promise<string | undefined> {
  const pausedBy = performance.now() + pauseLimitMs;
  let before = await readBalanceState(balance);
  while (before === 'balance' && performance.now() < pausedBy) {
    await delay(LOOK_AGAIN_MS);
    before = await readBalanceState(balance);
  }
  if (before === 'balance') {
    return 'it has not paused yet';
  }
  if (before !== 'balance paused') {
    return undefined;
  }
  using resume = await begin(['balance', 'resume', balance.mountPoint]);
  let said: string | undefined;
  const ended = resume.ended.then((text) => {
    said = text;
  });
  for (const end = performance.now() + RESUME_LIMIT_MS; performance.now() < end; ) {
    await Promise.race([ended, delay(LOOK_AGAIN_MS)]);
    if ((await readBalanceState(balance)) !== 'balance paused') {
      return undefined;
    }
    if (said !== undefined) {
      return said;
    }
  }
  return 'it stays paused';
}

interface Begun extends Disposable {
  /** What it said in a line, or why it could not be started. */
  readonly ended: Promise<string>;
}

/** btrfs(8); if it does not end, it is left behind. */
async function begin(args: readonly string[]): Promise<Begun> {
  const options: SpawnOptions = { cwd: '/', detached: true, stdio: ['ignore', 'ignore', 'pipe'] };
  const child = await startProgram('btrfs', args, options).catch(reasonOf);
  if (typeof child === 'string') {
    const reason = `btrfs(8) cannot be run: ${child}`;
    return { ended: Promise.resolve(reason), [Symbol.dispose]: () => {} };
  }
  const { promise, resolve } = Promise.withResolvers<string>();
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString('utf8');
  });
  child.on('close', (code) =>
    resolve(said.trim().split('\n').at(-1) || `btrfs(8) ended with ${code}`),
  );
  return {
    ended: promise,
    [Symbol.dispose]: () => {
      child.stderr?.destroy();
      child.unref();
    },
  };
}
