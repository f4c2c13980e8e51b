import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { productNode } from '../../bench/process/product-node.ts';
import { programPath } from '../../src/lab/program-path.ts';

export const MAIN = programPath();

export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** A program and its arguments to run the command under, e.g. `strace`. */
  readonly under?: readonly string[];
  readonly stdin?: string;
  readonly uid?: number;
  readonly started?: (pid: number | undefined) => void;
  /** Default: what `programPath` names. */
  readonly program?: string;
}

/** Runs `flashfreeze` as a user would, in a process of its own. */
export async function flashfreeze(
  args: readonly string[],
  { under = [], stdin = '', uid, started, program: main = MAIN }: RunOptions = {},
): Promise<Ended> {
  const [program = process.execPath, ...rest] = [...under, ...productNode(), main, ...args];
  const child = spawn(program, rest, {
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  started?.(child.pid);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.on('error', () => {
    // A command that refuses its options does not read its input.
  });
  child.stdin.end(stdin);
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return { exitCode, stdout, stderr };
}
