import { CommanderError } from 'commander';
import { FlashfreezeError } from '../errors.ts';
import { redact } from '../log/redaction.ts';

/** Runs a command; an error that it throws becomes one clear line on standard error and an exit code. */
export async function exitOnError(command: () => Promise<unknown>): Promise<void> {
  try {
    await command();
  } catch (error) {
    process.exitCode = reportError(error);
  }
}

/**
 * Prints an error for people.
 *
 * @returns the exit code: 2 if the input or the machine is at fault, 1 if the run failed; an internal error
 * also gives 1, and its stack is printed
 */
export function reportError(error: unknown): number {
  if (error instanceof CommanderError) {
    return error.exitCode === MISUSE ? 2 : error.exitCode;
  }
  process.stderr.write(`${redact(describe(error))}\n`);
  return error instanceof FlashfreezeError ? error.exitCode : 1;
}

/** Commander's exit code for a command line that it refuses; it has printed the reason already. */
const MISUSE = 1;

/**
 * Turns commander's message about a wrong command line into a message like our own. Commander repeats the wrong
 * argument, which may be a misplaced URL with its signature; so the text is redacted.
 */
export function describeMisuse(text: string): string {
  const [first = '', ...hints] = redact(text).trimEnd().split('\n');
  const suggestion = hints.find((hint) => hint.startsWith('(Did you mean')) ?? '';
  const sentence = first.replace(/^error: /, '').replace(/\.$/, '');
  return `flashfreeze: ${[sentence, suggestion].filter((it) => it !== '').join(' ')} (FF_USAGE)\n`;
}

function describe(error: unknown): string {
  if (error instanceof FlashfreezeError) {
    return `flashfreeze: ${error.message} (${error.code})`;
  }
  return error instanceof Error
    ? `flashfreeze: internal error: ${error.stack ?? error.message}`
    : `flashfreeze: internal error: ${String(error)}`;
}
