import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const DEFAULT_LIMIT_MS = 5_000;

/**
 * What a program prints; undefined if it does not start, ends with an error or takes too long. Times are in UTC. Not by
 * spawn(): its time limit keeps this process alive if the program does not exist.
 */
export async function outputOf(
  program: string,
  args: readonly string[],
  limitMs: number = DEFAULT_LIMIT_MS,
): Promise<string | undefined> {
  try {
    const env = { ...process.env, TZ: 'UTC', LC_ALL: 'C' };
    return (await promisify(execFile)(program, args, { env, timeout: limitMs })).stdout;
  } catch {
    return undefined;
  }
}

/** The first line of it. */
export async function firstLineOf(
  program: string,
  args: readonly string[],
): Promise<string | undefined> {
  return (await outputOf(program, args))?.split('\n')[0];
}
