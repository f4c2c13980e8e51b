import { CommanderError } from 'commander';
import { FlashfreezeError } from '../errors.ts';
import { jsonText, printableLines, printableMessage } from '../log/printable.ts';
import { Redaction } from '../log/redaction.ts';
import type { OutputOf } from '../report/schemas/described.ts';
import type { refusalSchema } from '../report/schemas/refusal.ts';
import { errnoOf } from '../system/errno.ts';
import { sentenceOfMisuse } from './misuse.ts';

type Refusal = OutputOf<typeof refusalSchema>;

const redaction = new Redaction();

/** The redaction of the command of this process. What it has learned is also hidden in an error that ends the command. */
export function redactionOfCommand(): Redaction {
  return redaction;
}

/** Runs a command; an error that it throws becomes one clear line on standard error and an exit code. */
export async function exitOnError(command: () => Promise<unknown>, asJson = false): Promise<void> {
  try {
    await command();
  } catch (error) {
    process.exitCode = reportError(error, asJson);
    for (const work of deferred) {
      await work();
    }
  }
}

const deferred: (() => Promise<void>)[] = [];

/** For work that may block for long, because it writes to a disk: the error that the caller throws is printed first. */
export function onceReported(work: () => Promise<void>): void {
  deferred.push(work);
}

/**
 * Prints an error for people, and with --json as an object on standard output.
 *
 * @returns the exit code: 2 if the input or the machine is at fault, 1 if the run failed; an internal error
 * also gives 1, and its stack is printed
 */
export function reportError(error: unknown, asJson = false): number {
  const isMisuse = error instanceof CommanderError && error.exitCode !== 0;
  if (asJson && (isMisuse || !(error instanceof CommanderError))) {
    process.stdout.write(`${jsonText(refusalOf(error))}\n`);
  }
  if (error instanceof CommanderError) {
    return error.exitCode === MISUSE ? 2 : error.exitCode;
  }
  process.stderr.write(`${redaction.redact(describe(error))}\n`);
  return error instanceof FlashfreezeError ? error.exitCode : 1;
}

/** Commander's exit code for a command line that it refuses; it has printed the reason already. */
const MISUSE = 1;

function refusalOf(error: unknown): Refusal {
  if (error instanceof CommanderError) {
    return { code: 'FF_USAGE', message: sentenceOfMisuse(error.message) };
  }
  return error instanceof FlashfreezeError
    ? { code: error.code, message: redaction.redact(error.message) }
    : { code: 'FF_INTERNAL', message: redaction.redact(String(error)) };
}

function describe(error: unknown): string {
  if (error instanceof FlashfreezeError) {
    return `flashfreeze: ${printableMessage(error.message)} (${error.code})`;
  }
  return error instanceof Error
    ? `flashfreeze: internal error: ${printableLines(error.stack ?? error.message)}`
    : `flashfreeze: internal error: ${printableLines(String(error))}`;
}

let lostOutputCode = 1;

/** The exit code if the output is lost and the command has succeeded otherwise. */
export function exitWithIfOutputIsLost(code: number): void {
  lostOutputCode = code;
}

/**
 * Output that could not be written, e.g. to a full device, makes the command fail. A reader that is gone (a closed
 * terminal, `| head`) does not: it has what it wanted, and must not end a run half-way.
 */
export function failIfOutputIsLost(): void {
  let isTold = false;
  process.stderr.on('error', () => {});
  process.stdout.on('error', (error) => {
    const reason = errnoOf(error);
    if (isTold || reason === 'EPIPE') {
      return;
    }
    isTold = true;
    process.stderr.write(
      `flashfreeze: standard output cannot be written (${reason}), and output is lost: free some space, or write to another file system (FF_OUTPUT_UNWRITABLE)\n`,
    );
    process.once('exit', () => {
      process.exitCode = Number(process.exitCode ?? 0) || lostOutputCode;
    });
  });
}
