import { withoutArguments } from '../../config/argument-words.ts';
import type { ScriptCommand } from '../../config/script-plugin.ts';
import { openTrustedFile, type TrustedFile, type TrustFault } from '../../config/trusted-file.ts';
import type { ResultCode } from '../../result-codes.ts';
import {
  hasWindowsLineEnds,
  missingInterpreter,
  runScript,
  type ScriptEnd,
  type ScriptOutcome,
} from './run-script.ts';

export type ScriptKind = 'pre' | 'post';

/** Result codes of what can go wrong with a script (status.md). */
const CODES = {
  pre: { failed: 300, missing: 302, untrusted: 306, timeout: 308, hostTimeout: 310 },
  post: { failed: 301, missing: 303, untrusted: 307, timeout: 309, hostTimeout: 311 },
} as const satisfies Record<ScriptKind, Record<string, ResultCode>>;

/** To be appended to a sentence on a script. */
const WINDOWS_LINE_ENDS =
  "its first line ends in CR (Windows line ends), which becomes part of the last word of every line: convert the script, e.g. with sed -i 's/\\r$//'";

/** Group and others may not even read it. */
const FORBIDDEN_MODE = 0o077;

/** Why a script did not do what it is for. */
export interface ScriptFailure {
  readonly ok: false;
  readonly code: ResultCode;
  readonly message: string;
}

/** A script that was checked, opened and may be run. */
export interface ScriptStep extends Disposable {
  readonly ok: true;
  readonly kind: ScriptKind;
  readonly command: ScriptCommand;
  readonly file: TrustedFile;
  readonly timeoutMs: number;
}

/** The script, checked and opened, or 302, 303, 306, 307. */
export function openStep(
  kind: ScriptKind,
  command: ScriptCommand,
  timeoutMs: number,
): ScriptStep | ScriptFailure {
  const codes = CODES[kind];
  if (command.path === '') {
    const message = `the configuration names no ${kind}-script (${kind}ScriptLocation)`;
    return { ok: false, code: codes.missing, message };
  }
  const file = openTrustedFile(command.path, FORBIDDEN_MODE);
  if (!file.ok) {
    return file.kind === 'missing'
      ? { ok: false, code: codes.missing, message: messageOfMissing(kind, command, file) }
      : { ok: false, code: codes.untrusted, message: `the ${kind}-script ${file.message}` };
  }
  return {
    ok: true,
    kind,
    command,
    file,
    timeoutMs,
    [Symbol.dispose]: () => file[Symbol.dispose](),
  };
}

/** A path with blanks may be a command line, whose parameters may be secret. */
function messageOfMissing(
  kind: ScriptKind,
  { path }: ScriptCommand,
  { message }: TrustFault,
): string {
  const shown = withoutArguments(path);
  const remedy = shown === path ? '' : `; its parameters belong in ${kind}ScriptParams`;
  return `the ${kind}-script ${message.replace(path, () => shown)}${remedy}`;
}

/** What is wrong with a script that can be run, as sentences with the remedy. */
export function remarksOn(step: ScriptStep): string[] {
  const interpreter = missingInterpreter(step.file);
  return [
    ...(hasWindowsLineEnds(step.file) ? [`${nameOf(step)}: ${WINDOWS_LINE_ENDS}`] : []),
    ...(interpreter === undefined
      ? []
      : [
          `${nameOf(step)} cannot be started: its first line names ${interpreter}, which does not exist or may not be executed; install it, or correct the line`,
        ]),
  ];
}

export interface StepCircumstances {
  /** CLOCK_MONOTONIC; when the time of all scripts of this kind is over. */
  readonly hostDeadlineNs: bigint;
  readonly abort: AbortSignal | undefined;
  /** Hears what a script printed. */
  readonly note: (message: string) => void;
}

/**
 * Runs a script, again as often as its configuration says while it fails. One that took too long is not
 * run again. Undefined if it succeeded.
 */
export async function runStep(
  step: ScriptStep,
  circumstances: StepCircumstances,
): Promise<ScriptFailure | undefined> {
  const { command, file, timeoutMs } = step;
  if (hasWindowsLineEnds(file)) {
    circumstances.note(`${nameOf(step)}: ${WINDOWS_LINE_ENDS}`);
  }
  for (let attempt = 0; ; attempt += 1) {
    const leftMs = Number(circumstances.hostDeadlineNs - process.hrtime.bigint()) / 1e6;
    const outcome = await runScript(file, {
      parameters: command.parameters,
      timeoutMs: Math.max(1, Math.min(timeoutMs, leftMs)),
      abort: circumstances.abort,
    });
    noteOutput(step, outcome, circumstances);
    if (outcome.end.kind === 'exited' && outcome.end.exitCode === 0) {
      return undefined;
    }
    if (attempt >= command.retries || isFinal(outcome.end)) {
      return failureOf(step, outcome.end, leftMs <= timeoutMs);
    }
    circumstances.note(`${nameOf(step)} ${describe(outcome.end)}; trying again`);
  }
}

function noteOutput(
  step: ScriptStep,
  { output }: ScriptOutcome,
  { note }: StepCircumstances,
): void {
  for (const text of output) {
    note(`${nameOf(step)} printed:\n${text}`);
  }
}

function isFinal({ kind }: ScriptEnd): boolean {
  return kind === 'timed-out' || kind === 'aborted';
}

function failureOf(step: ScriptStep, end: ScriptEnd, byHost: boolean): ScriptFailure {
  const codes = CODES[step.kind];
  const hint = hasWindowsLineEnds(step.file) ? `; ${WINDOWS_LINE_ENDS}` : '';
  const message = `${nameOf(step)} ${describe(end)}${hint}`;
  if (end.kind === 'timed-out') {
    return byHost
      ? {
          ok: false,
          code: codes.hostTimeout,
          message: `${message}: the time of all scripts is over`,
        }
      : { ok: false, code: codes.timeout, message: `${message} of ${step.timeoutMs / 1_000} s` };
  }
  // The file is there and readable: its interpreter may not be executed, or a security module forbids it.
  const isForbidden = end.kind === 'not-started' && end.errno === 'EACCES';
  return { ok: false, code: isForbidden ? codes.untrusted : codes.failed, message };
}

function nameOf({ kind, command }: ScriptStep): string {
  return `the ${kind}-script ${command.path}`;
}

function describe(end: ScriptEnd): string {
  switch (end.kind) {
    case 'exited':
      return `ended with exit code ${end.exitCode}`;
    case 'killed':
      return `was ended by ${end.signal}`;
    case 'timed-out':
      return 'was ended with all its processes after its time-out';
    case 'aborted':
      return 'was ended because the run was';
    case 'not-started':
      return `could not be started (${end.errno}): is the interpreter in its first line there, and executable?`;
  }
}
