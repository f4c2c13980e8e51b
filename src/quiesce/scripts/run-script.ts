import { ChildProcess } from 'node:child_process';
import { accessSync, constants, fstatSync, readSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { TrustedFile } from '../../config/trusted-file.ts';
import { errnoOf } from '../../system/errno.ts';
import { startProgram } from '../../system/start-program.ts';
import { BoundedOutput } from './bounded-output.ts';

/** Between SIGTERM, which lets a script undo what it did, and SIGKILL. */
const TERMINATION_GRACE_MS = 1_000;
/** A process in uninterruptible sleep does not even end of SIGKILL: it is not waited for longer. */
const KILL_LIMIT_MS = 1_000;

const LAST_OUTPUT_MS = 50;

/** Where the child finds the script that was opened: descriptor 3, the first that is free. */
export const OPENED_IN_CHILD = '/proc/self/fd/3';
/** What runs a script that cannot be executed itself. */
const SHELL = '/bin/sh';

/** As much of a #! line as the kernel reads. */
const FIRST_LINE_BYTES = 256;

export type ScriptEnd =
  | { readonly kind: 'exited'; readonly exitCode: number }
  | { readonly kind: 'killed'; readonly signal: string }
  | { readonly kind: 'timed-out' }
  | { readonly kind: 'aborted' }
  /** The kernel refused to run it. */
  | { readonly kind: 'not-started'; readonly errno: string };

export interface ScriptOutcome {
  readonly end: ScriptEnd;
  /** Standard output and standard error, bounded, not yet redacted. */
  readonly output: readonly string[];
}

export interface ScriptOptions {
  readonly parameters: readonly string[];
  readonly timeoutMs: number;
  /** Ends it; undefined for a script that must not be cut short. */
  readonly abort: AbortSignal | undefined;
  /** Its standard input; missing: empty. */
  readonly input?: string;
  /** Variables besides the minimal ones. */
  readonly environment?: Readonly<Record<string, string>>;
}

/**
 * Runs the script that was opened and checked, not whatever lies at its path by now. Its path is
 * executed only where it still leads to the opened file, so that `dirname "$0"` finds what lies beside
 * it; otherwise the kernel executes descriptor 3, an interpreter named by a #! line reads the script
 * through it too, and `$0` is `/proc/self/fd/3`. Between that look and the execution only root
 * could exchange it: a trusted file lies in directories that are root's alone. The path is in
 * FLASHFREEZE_SCRIPT, too, and the working directory is the script's.
 *
 * One that cannot be executed (mode 600, or on a file system mounted noexec) is read by `/bin/sh`, as other
 * tools do with every script. One whose #! line ends in CR (it was saved with Windows line ends) is read by the
 * interpreter that the line names: other tools, which give it to a shell, run it too.
 *
 * It gets a session and process group of its own, which is ended as a whole when the time is over.
 * If the script ends in time by itself, what it has started in the background keeps running. Never rejects.
 */
export async function runScript(
  script: TrustedFile,
  options: ScriptOptions,
): Promise<ScriptOutcome> {
  const child = await start(script, options);
  if (!(child instanceof ChildProcess)) {
    return { end: child, output: [] };
  }
  const output = [child.stdout, child.stderr].map(collect);
  // A script that does not read its input closes it.
  child.stdin?.on('error', () => {}).end(options.input);
  const end = await endOf(child, options.timeoutMs, options.abort);
  // A background process that never reads must not keep this process alive.
  child.stdin?.destroy();
  return { end, output: output.map((kept) => kept.text()).filter((text) => text !== '') };
}

async function start(
  script: TrustedFile,
  { parameters, input, environment }: ScriptOptions,
): Promise<ChildProcess | Extract<ScriptEnd, { kind: 'not-started' }>> {
  try {
    const path = leadsTo(script) ? script.path : OPENED_IN_CHILD;
    const [program, ...before] = interpreterOf(script);
    const isDirect = program === undefined;
    const args = isDirect ? parameters : [...before, path, ...parameters];
    return await startProgram(program ?? path, args, {
      argv0: program ?? script.path,
      cwd: script.directory,
      detached: true,
      env: { ...minimalEnvironment(script.path), ...environment },
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', script.descriptor],
    });
  } catch (error) {
    return { kind: 'not-started', errno: errnoOf(error) ?? 'unknown error' };
  }
}

/** The program that reads the script, with its option; empty if the kernel can execute the script itself. */
function interpreterOf(script: TrustedFile): readonly string[] {
  // Read in any case: a shell takes a file that it cannot read for an empty one, and succeeds.
  const firstLine = firstLineOf(script);
  return isExecutable(script) ? (interpreterBeforeCr(firstLine) ?? []) : [SHELL];
}

/** What the kernel would look at. @throws the system's error, if the file system of the script has died */
function firstLineOf({ descriptor }: TrustedFile): string {
  const start = Buffer.alloc(FIRST_LINE_BYTES);
  const length = readSync(descriptor, start, 0, start.length, 0);
  return start.toString('latin1', 0, length).split('\n', 1)[0] ?? '';
}

/** Empty if it cannot be read: `runScript` says so then. */
function firstLineIfAny(script: TrustedFile): string {
  try {
    return firstLineOf(script);
  } catch {
    return '';
  }
}

/**
 * The interpreter in a #! line that ends in CR, and its option as the kernel passes it: the rest of the line as one
 * word. The kernel itself takes the CR for a part of the name and finds no such program (ENOENT). Undefined for any
 * other first line. Pure.
 */
export function interpreterBeforeCr(firstLine: string): readonly string[] | undefined {
  const [, program, option] = /^#![ \t]*([^ \t\r]+)[ \t]*(.*?)[ \t]*\r$/.exec(firstLine) ?? [];
  return program === undefined ? undefined : [program, option ?? ''].filter((it) => it !== '');
}

/**
 * The program in the #! line of a script that the kernel executes, if it is not there or may not be executed; undefined
 * if all is well.
 */
export function missingInterpreter(script: TrustedFile): string | undefined {
  const program = /^#![ \t]*([^ \t\r]+)/.exec(firstLineIfAny(script))?.[1];
  if (program === undefined || !isExecutable(script)) {
    return undefined;
  }
  try {
    accessSync(program, constants.X_OK);
    return undefined;
  } catch {
    return program;
  }
}

/** Whether a script was saved with Windows line ends, as far as its first line shows. */
export function hasWindowsLineEnds(script: TrustedFile): boolean {
  return firstLineIfAny(script).endsWith('\r');
}

/** Whether the path still leads to the file that was opened. */
function leadsTo({ path, descriptor }: TrustedFile): boolean {
  const named = statSync(path, { bigint: true, throwIfNoEntry: false });
  const opened = fstatSync(descriptor, { bigint: true });
  return named?.dev === opened.dev && named.ino === opened.ino;
}

/** access(2) knows of noexec mounts, too. */
function isExecutable({ descriptor }: TrustedFile): boolean {
  try {
    accessSync(`/proc/self/fd/${descriptor}`, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function minimalEnvironment(path: string): NodeJS.ProcessEnv {
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LANG: process.env.LANG ?? 'C.UTF-8',
    HOME: '/root',
    FLASHFREEZE_SCRIPT: path,
  };
}

/**
 * Keeps reading for as long as this process lives, also what the script's background processes print:
 * a closed pipe would end them. They do not keep this process alive.
 */
function collect(stream: NodeJS.ReadableStream | null): BoundedOutput {
  const kept = new BoundedOutput();
  stream?.on('data', (chunk: Buffer) => kept.add(chunk));
  stream?.on('error', () => {});
  if (stream !== null && 'unref' in stream && typeof stream.unref === 'function') {
    stream.unref();
  }
  return kept;
}

async function endOf(
  child: ChildProcess,
  timeoutMs: number,
  abort: AbortSignal | undefined,
): Promise<ScriptEnd> {
  const { promise: ended, resolve } = Promise.withResolvers<ScriptEnd>();
  const { promise: cut, resolve: cutShort } = Promise.withResolvers<ScriptEnd>();
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  child.on('close', () => close());
  child.on('exit', (exitCode, signal) =>
    resolve(
      exitCode === null ? { kind: 'killed', signal: String(signal) } : { kind: 'exited', exitCode },
    ),
  );
  const timer = setTimeout(() => cutShort({ kind: 'timed-out' }), timeoutMs);
  const onAbort = (): void => cutShort({ kind: 'aborted' });
  abort?.addEventListener('abort', onAbort, { once: true });
  if (abort?.aborted) {
    onAbort();
  }
  try {
    const end = await Promise.race([ended, cut]);
    if (end.kind === 'timed-out' || end.kind === 'aborted') {
      await endGroup(child.pid, ended);
    }
    // What it printed last is still on its way; a background process may keep the pipes open for good.
    await raceWithDelay(closed, LAST_OUTPUT_MS);
    return end;
  } finally {
    clearTimeout(timer);
    abort?.removeEventListener('abort', onAbort);
  }
}

/** @param ended resolves when its leader has ended */
export async function endGroup(group: number | undefined, ended: Promise<unknown>): Promise<void> {
  if (group === undefined) {
    return;
  }
  signalGroup(group, 'SIGTERM');
  await raceWithDelay(ended, TERMINATION_GRACE_MS);
  // Its leader may have gone and the others stayed.
  signalGroup(group, 'SIGKILL');
  await raceWithDelay(ended, KILL_LIMIT_MS);
}

function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch {
    // All of it has ended.
  }
}

async function raceWithDelay(ended: Promise<unknown>, limitMs: number): Promise<void> {
  const enough = new AbortController();
  try {
    await Promise.race([ended, delay(limitMs, undefined, { signal: enough.signal })]);
  } finally {
    enough.abort();
  }
}
