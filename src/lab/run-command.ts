import { spawn } from 'node:child_process';

export interface CommandResult {
  /** 0 = it did what it was asked for; 128 + n if a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, whatever the exit code. Rejects only if it cannot be started. */
export function tryCommand(
  program: string,
  args: readonly string[],
  input = '',
): Promise<CommandResult> {
  const { promise, resolve, reject } = Promise.withResolvers<CommandResult>();
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  // A program that does not read its input is no failure.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  child.on('error', reject);
  child.on('close', (code) => {
    const text = (chunks: readonly Buffer[]): string => Buffer.concat(chunks).toString('utf8');
    resolve({ code: code ?? 128, stdout: text(stdout), stderr: text(stderr) });
  });
  return promise;
}

/** Runs a program that must succeed; resolves to its standard output without the last newline. */
export async function runCommand(
  program: string,
  args: readonly string[],
  input = '',
): Promise<string> {
  const { code, stdout, stderr } = await tryCommand(program, args, input);
  if (code !== 0) {
    throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${stderr.trim()}`);
  }
  return stdout.trimEnd();
}

/**
 * Calls `task` for every item, at most `atOnce` at a time; results in the order of the items. Where
 * one fails, no further one is begun, and it rejects when those that were under way have ended.
 */
export async function mapAtOnce<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  task: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = new Array(items.length);
  const waiting = [...items.entries()];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, item] = next;
      try {
        results[index] = await task(item, index);
      } catch (error) {
        waiting.length = 0;
        throw error;
      }
    }
  };
  const workers = Array.from({ length: Math.min(atOnce, items.length) }, worker);
  await Promise.allSettled(workers);
  await Promise.all(workers);
  return results;
}
