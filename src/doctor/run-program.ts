import { spawn } from 'node:child_process';

const LIMIT_MS = 5_000;

/** What a program prints; undefined if it does not start, ends with an error or takes too long. Times are in UTC. */
export function outputOf(program: string, args: readonly string[]): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, TZ: 'UTC', LC_ALL: 'C' },
    timeout: LIMIT_MS,
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8');
  });
  child.on('error', () => resolve(undefined));
  child.on('close', (code) => resolve(code === 0 ? output : undefined));
  return promise;
}

/** The first line of it. */
export async function firstLineOf(
  program: string,
  args: readonly string[],
): Promise<string | undefined> {
  return (await outputOf(program, args))?.split('\n')[0];
}
