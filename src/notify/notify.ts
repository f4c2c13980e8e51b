import { withoutArguments } from '../config/argument-words.ts';
import { openTrustedFile } from '../config/trusted-file.ts';
import { runScript, type ScriptEnd } from '../quiesce/scripts/run-script.ts';
import { type RunFile, resultOf } from '../report/run-file.ts';

/** A run waits no longer for the command; it is then ended with all its processes. */
export const NOTIFY_LIMIT_MS = 30_000;

/** Not writable by others. They may read it: a program of the distribution will do. */
const FORBIDDEN_MODE = 0o022;

export interface Notification {
  readonly run: RunFile;
  /** The run as JSON, without secrets. */
  readonly json: string;
  /** The file of the run; undefined if it is not kept. */
  readonly path: string | undefined;
}

/** What the command did, as sentences for the log. */
export interface Notified {
  /** Why the command did not do its work; undefined if it ended with exit code 0. */
  readonly problem: string | undefined;
  /** What it printed, not yet redacted. */
  readonly output: readonly string[];
}

/**
 * Runs the command that is to hear of a run, with the run as JSON on its standard input. Only root may be able to change
 * the program. To be called when nothing is frozen any more and the run is kept. Never rejects.
 *
 * @param words path of the program and its arguments
 */
export async function notify(
  [program = '', ...parameters]: readonly string[],
  { run, json, path }: Notification,
  limitMs: number = NOTIFY_LIMIT_MS,
): Promise<Notified> {
  const file = openTrustedFile(program, FORBIDDEN_MODE);
  if (!file.ok) {
    const reason = file.message.replace(program, () => withoutArguments(program));
    return { problem: `the notify command was not run: ${reason}`, output: [] };
  }
  using opened = file;
  const { end, output } = await runScript(opened, {
    parameters,
    timeoutMs: limitMs,
    abort: undefined,
    input: json,
    environment: environmentOf(run, path),
  });
  const name = `the notify command ${program}`;
  return {
    problem: describe(name, end, limitMs),
    output: output.map((text) => `${name} printed:\n${text}`),
  };
}

function environmentOf(run: RunFile, path: string | undefined): Record<string, string> {
  return {
    FLASHFREEZE_RESULT: resultOf(run),
    FLASHFREEZE_ORIGIN: run.origin,
    FLASHFREEZE_RUN: run.taskId,
    FLASHFREEZE_HOST: run.machine.host ?? '',
    ...(path === undefined ? {} : { FLASHFREEZE_REPORT: path }),
  };
}

function describe(name: string, end: ScriptEnd, limitMs: number): string | undefined {
  switch (end.kind) {
    case 'exited':
      return end.exitCode === 0 ? undefined : `${name} ended with exit code ${end.exitCode}`;
    case 'killed':
      return `${name} was ended by ${end.signal}`;
    case 'timed-out':
      return `${name} did not end within ${limitMs / 1_000} s and was ended with all its processes`;
    case 'aborted':
      return `${name} was ended`;
    case 'not-started':
      return `${name} could not be started (${end.errno}): is it executable, and the interpreter in its first line there?`;
  }
}
