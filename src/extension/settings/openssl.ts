import type { ChildProcess } from 'node:child_process';
import { reasonOf } from '../../system/errno.ts';
import { startProgram } from '../../system/start-program.ts';

/** The length to which the error output of openssl(1) is cut. */
const MAX_COMPLAINT_CHARACTERS = 300;
const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface OpensslLimits {
  readonly timeLimitMs: number;
  readonly mostOutputBytes: number;
}

export type OpensslResult =
  | { readonly kind: 'done'; readonly output: Buffer }
  /** It ran and reported a failure. */
  | { readonly kind: 'failed'; readonly reason: string }
  /** It could not be started, or it exceeded a limit. */
  | { readonly kind: 'broken'; readonly reason: string };

/**
 * Runs openssl(1) with input and output over pipes: no part of them is in a file, an argument or the
 * environment. Its standard error names files and reasons only. Never rejects.
 */
export async function runOpenssl(
  program: string,
  command: readonly string[],
  input: Uint8Array,
  { timeLimitMs, mostOutputBytes }: OpensslLimits,
): Promise<OpensslResult> {
  let child: ChildProcess;
  try {
    child = await startProgram(program, command, { stdio: 'pipe', env: environment() });
  } catch (error) {
    return { kind: 'broken', reason: `cannot run ${program} (${reasonOf(error)})` };
  }
  const { promise, resolve } = Promise.withResolvers<OpensslResult>();
  const broken = (reason: string): void => resolve({ kind: 'broken', reason });
  const timer = setTimeout(() => {
    broken(`${program} did not end within ${timeLimitMs} ms`);
    child.kill('SIGKILL');
  }, timeLimitMs);
  const chunks: Buffer[] = [];
  let bytes = 0;
  let complaint = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > mostOutputBytes) {
      broken(`${program} wrote more than ${mostOutputBytes} bytes`);
      child.kill('SIGKILL');
    }
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint = `${complaint}${chunk.toString('latin1')}`.slice(0, MAX_COMPLAINT_CHARACTERS);
  });
  // openssl may end before it has read all input; its exit code shows whether it failed.
  child.stdin?.on('error', () => undefined).end(input);
  // Of a signal that could not be sent.
  child.on('error', () => undefined);
  child.on('close', (code) =>
    resolve(
      code === 0
        ? { kind: 'done', output: Buffer.concat(chunks) }
        : { kind: 'failed', reason: oneLine(complaint) || `exit code ${code}` },
    ),
  );
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

/** What is needed to find openssl and its configuration; nothing else of our environment. */
function environment(): NodeJS.ProcessEnv {
  const { PATH = SYSTEM_PATH, OPENSSL_CONF, OPENSSL_MODULES } = process.env;
  return {
    PATH,
    LC_ALL: 'C',
    ...(OPENSSL_CONF === undefined ? {} : { OPENSSL_CONF }),
    ...(OPENSSL_MODULES === undefined ? {} : { OPENSSL_MODULES }),
  };
}

function oneLine(text: string): string {
  return text
    .replace(/[^\x20-\x7e]+/g, ' ')
    .replace(/ +/g, ' ')
    .trim();
}
